#include "front/pass/pass.h"

#include <errno.h>

#include "channel/pass-table.h"
#include "front/core/accept.h"
#include "front/core/throttle.h"
#include "front/pass/balancer.h"
#include "front/state.h"

static int make_pool(struct front_service *service)
{
	const struct startup_pool *startup =
		&service->context->startup->pools[service->settings->index];

	service->pool = balancer_new(service, startup->table);
	if (!service->pool)
		return -ENOMEM;
	service->pool->may_grow = startup->may_grow;
	return 0;
}

static void look_over(struct balancer *pool)
{
	for (unsigned process_index = 0; process_index < pool->table->n_processes; process_index++)
		if (!pool->by_index[process_index])
			balancer_end_orphans(pool, process_index);
	balancer_watch_surplus(pool);
}

int pass_start(struct front *front)
{
	const struct startup *startup = front->context.startup;
	int r;

	for (size_t i = 0; i < front->settings->n_services; i++) {
		if (front->settings->services[i].dispatch != DISPATCH_PASS)
			continue;
		r = make_pool(&front->services[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < startup->n_processes; i++) {
		const struct startup_process *process = &startup->processes[i];

		r = balancer_add(front->services[process->service].pool, process->process_index,
				 process->pid, process->fd);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (front->services[i].pool)
			look_over(front->services[i].pool);
	return 0;
}

void pass_stop(struct front *front)
{
	for (size_t i = 0; front->services && i < front->settings->n_services; i++) {
		balancer_free(front->services[i].pool);
		front->services[i].pool = NULL;
	}
}

bool pass_has_room(const struct front_service *service)
{
	return service->pool->kept.fd < 0 && load_ranks_least(&service->pool->load_ranks);
}

static void wait_for_room(struct front_listener *listener)
{
	struct balancer *pool = listener->service->pool;

	throttle_park_full(listener);
	if (pool->may_grow)
		balancer_ask(pool);
}

/* Asks the kernel for each client only where the listener does not say it for all of them. */
static void find_local(struct address *out, struct front_listener *listener, int fd)
{
	const struct service *settings = listener->service->settings;
	struct pass_endpoint *endpoint =
		&listener->service->pool->endpoints[listener->number - settings->first_endpoint];

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

static void admitted(struct front_listener *listener, int fd, const struct address *peer)
{
	struct balancer *pool = listener->service->pool;
	struct pass_client client = {
		.fd = fd,
		.type = listener->listener->endpoint.type,
		.peer = *peer,
	};

	find_local(&client.local, listener, fd);
	balancer_count(pool, 1);
	balancer_offer(pool, &client);
}

static bool has_room(const struct front_listener *listener)
{
	return pass_has_room(listener->service);
}

static void on_message(struct front_service *service, const struct channel_message *message, int fd)
{
	pass_obey(service->front, message, fd);
}

const struct dispatch pass_dispatch = {
	.flags = DISPATCH_CONNECTION_TAKES_FD,
	.on_connection = accept_on_ready,
	.has_room = has_room,
	.wait_for_room = wait_for_room,
	.admitted = admitted,
	.on_service_message = on_message,
};
