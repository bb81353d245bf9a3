#include "front/pass.h"

#include <errno.h>

#include "channel/pass-table.h"
#include "front/gate.h"
#include "front/pass-crew.h"
#include "front/state.h"

static int make_crew(struct front_service *service)
{
	const struct birth_crew *birth = &service->front->birth->crews[service->settings->index];

	service->crew = pass_crew_new(service, birth->table);
	if (!service->crew)
		return -ENOMEM;
	service->crew->may_grow = birth->may_grow;
	return 0;
}

static void look_over(struct pass_crew *crew)
{
	for (unsigned place = 0; place < crew->table->n_places; place++)
		if (!crew->by_place[place])
			pass_crew_end_orphans(crew, place);
	pass_crew_watch_surplus(crew);
}

int pass_start(struct front *front)
{
	const struct birth *birth = front->birth;
	int r;

	for (size_t i = 0; i < front->settings->n_services; i++) {
		if (front->settings->services[i].dispatch != DISPATCH_PASS)
			continue;
		r = make_crew(&front->services[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < birth->n_members; i++) {
		const struct birth_member *member = &birth->members[i];

		r = pass_crew_add(front->services[member->service].crew, member->place, member->pid,
				  member->fd);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (front->services[i].crew)
			look_over(front->services[i].crew);
	return 0;
}

void pass_stop(struct front *front)
{
	for (size_t i = 0; front->services && i < front->settings->n_services; i++) {
		pass_crew_free(front->services[i].crew);
		front->services[i].crew = NULL;
	}
}

bool pass_has_room(const struct front_service *service)
{
	return service->crew->kept.fd < 0 && pass_ranks_least(&service->crew->ranks);
}

void pass_wait_for_room(struct front_listener *listener)
{
	struct pass_crew *crew = listener->service->crew;

	gate_park_full(listener);
	if (crew->may_grow)
		pass_crew_ask(crew);
}

/* Asks the kernel for each client only where the listener does not say it for all of them. */
static void find_local(struct address *out, struct front_listener *listener, int fd)
{
	const struct service *settings = listener->service->settings;
	struct pass_endpoint *endpoint =
		&listener->service->crew->endpoints[listener->number - settings->first_endpoint];

	if (!endpoint->known && listener_address(listener->listener, &endpoint->address) == 0) {
		endpoint->known = true;
		endpoint->is_any = address_is_wildcard(&endpoint->address);
	}
	*out = endpoint->address;
	if (!endpoint->is_any)
		return;
	out->length = sizeof(out->un);
	if (getsockname(fd, &out->any, &out->length) < 0)
		*out = endpoint->address;
	address_unmap(out);
}

void pass_client(struct front_listener *listener, int fd, const struct address *peer)
{
	struct pass_crew *crew = listener->service->crew;
	struct pass_client client = {
		.fd = fd,
		.type = listener->listener->endpoint.type,
		.peer = *peer,
	};

	find_local(&client.local, listener, fd);
	pass_crew_count(crew, 1);
	pass_crew_offer(crew, &client);
}
