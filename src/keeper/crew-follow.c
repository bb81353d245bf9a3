/* Crews over reloads: which stay, which begin and which leave. */

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/crew-same.h"
#include "keeper/crew-tell.h"
#include "keeper/crew.h"
#include "keeper/member.h"
#include "keeper/ready.h"
#include "keeper/state.h"

#define PLACES_PER_PROCESS 2 /* those that end are still there when others have begun */

struct crew *crew_ref(struct crew *crew)
{
	if (crew)
		crew->references++;
	return crew;
}

void crew_unref(struct crew *crew)
{
	if (!crew || --crew->references > 0)
		return;
	timer_cancel(&crew->again);
	timer_cancel(&crew->look);
	list_unlink(&crew->link);
	if (crew->slot->crew == crew)
		crew->slot->crew = NULL;
	crew->slot->crews--;
	pass_table_free(crew->table);
	free(crew);
}

DEFINE_AUTO(struct crew, crew_unref);

static int crew_new(struct crew **out, struct keeper *keeper, struct slot *slot,
		    const struct service *service)
{
	AUTO(auto_crew_unref) struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return -ENOMEM;
	crew->references = 1;
	crew->keeper = keeper;
	crew->slot = slot;
	slot->crews++;
	crew->passes = service->dispatch == DISPATCH_PASS;
	list_init(&crew->members);
	list_add_before(&keeper->crews, &crew->link);
	if (crew->passes) {
		crew->table = pass_table_new(service->crew.max * PLACES_PER_PROCESS,
					     service->crew.clients_per_process);
		if (!crew->table)
			return -ENOMEM;
	}
	*out = take_ptr(crew);
	return 0;
}

/* The children of a pool have the listeners; those of `pass` know of none. */
static bool same_listeners(const struct crew *crew, const struct generation *next, size_t index)
{
	const struct service *old = crew_service(crew);
	const struct service *new = &next->settings->services[index];

	if (old->n_endpoints != new->n_endpoints)
		return false;
	for (size_t i = 0; i < old->n_endpoints; i++)
		if (crew->generation->housed[old->first_endpoint + i] !=
		    next->housed[new->first_endpoint + i])
			return false;
	return true;
}

static bool stays(const struct crew *crew, const struct generation *next, size_t index)
{
	return crew && crew->state == CREW_OPEN &&
	       crew_suits(crew_service(crew), &next->settings->services[index]) &&
	       (crew->passes || same_listeners(crew, next, index));
}

static int take(struct keeper *keeper, struct generation *generation, size_t index)
{
	const struct service *service = &generation->settings->services[index];
	struct slot *slot = generation->slots[index];
	int r;

	if (service->crew.ready_notify) {
		r = ready_open(keeper);
		if (r < 0)
			return r;
	}
	if (stays(slot->crew, generation, index)) {
		generation->crews[index] = crew_ref(slot->crew);
		return 0;
	}
	return crew_new(&generation->crews[index], keeper, slot, service);
}

int crews_take(struct keeper *keeper, struct generation *generation)
{
	for (size_t i = 0; i < generation->settings->n_services; i++) {
		enum dispatch dispatch = generation->settings->services[i].dispatch;
		int r;

		if (dispatch != DISPATCH_POOL && dispatch != DISPATCH_PASS)
			continue;
		r = take(keeper, generation, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The pool that takes over the listeners of @crew, if there is one. */
static bool is_succeeded(const struct crew *crew)
{
	const struct generation *generation = crew->keeper->generation;
	int64_t index = generation_service(generation, crew->slot);

	return index >= 0 && generation->settings->services[index].dispatch == DISPATCH_POOL &&
	       same_listeners(crew, generation, (size_t)index);
}

/* A child that no front can tell about ends when it has no client, or when it finds out. */
static void let_go(struct member *member, bool known)
{
	struct crew *crew = member->crew;

	if (member->state == MEMBER_STARTING || !member->leaving ||
	    (!known && pass_table_count(crew->table, member->place) == 0))
		member_end(member);
	else
		member_hang_up(member);
}

static void let_all_go(struct crew *crew)
{
	bool known = crew_is_known(crew);

	list_for_each(at, next, &crew->members)
		let_go(container_of(at, struct member, link), known);
}

static void retire(struct crew *crew)
{
	bool succeeded = !crew->passes && is_succeeded(crew);

	timer_cancel(&crew->again);
	timer_cancel(&crew->look);
	if (!succeeded)
		crew_relieve_others(crew);
	crew->generation = NULL;
	crew->slot->crew = NULL;
	crew->state = succeeded ? CREW_OUTLIVED : CREW_CLOSED;
	if (crew->passes) {
		let_all_go(crew);
		return;
	}
	list_for_each(at, next, &crew->members) {
		struct member *member = container_of(at, struct member, link);

		if (!succeeded || member->state == MEMBER_STARTING)
			member_end(member);
	}
}

static void adopt(struct crew *crew, const struct generation *generation, size_t index)
{
	crew->state = CREW_OPEN;
	crew->generation = generation;
	crew->service = index;
	crew->slot->crew = crew;
}

void crews_follow(struct keeper *keeper)
{
	struct generation *generation = keeper->generation;

	list_for_each(at, next, &keeper->crews) {
		struct crew *crew = container_of(at, struct crew, link);

		if (crew->state == CREW_OPEN && !generation_names(generation, crew))
			retire(crew);
	}
	for (size_t i = 0; i < generation->settings->n_services; i++)
		if (generation->crews[i])
			adopt(generation->crews[i], generation, i);
	for (size_t i = 0; i < generation->settings->n_services; i++)
		if (generation->crews[i])
			crew_settle(generation->crews[i]);
}

void crews_lost_front(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->crews) {
		struct crew *crew = container_of(at, struct crew, link);

		if (crew->state == CREW_CLOSED && crew->passes && !crew_is_known(crew))
			let_all_go(crew);
	}
}
