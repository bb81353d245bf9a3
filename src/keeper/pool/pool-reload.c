/* Pools over reloads: which stay, which begin and which leave. */

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/pool/pool-same.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pool.h"
#include "keeper/pool/process.h"
#include "keeper/pool/ready.h"
#include "keeper/state.h"

#define PLACES_PER_PROCESS 2 /* those that end are still there when others have begun */

static void pool_free(struct pool_handle *handle)
{
	struct pool *pool = container_of(handle, struct pool, handle);

	timer_cancel(&pool->again);
	timer_cancel(&pool->look);
	list_unlink(&pool->link);
	if (pool->record->pool == handle)
		pool->record->pool = NULL;
	pool->record->pools--;
	pass_table_free(pool->table);
	free(pool);
}

static void drop(struct pool *pool)
{
	if (pool)
		pool_unref(pool);
}

DEFINE_AUTO(struct pool, drop);

struct pool *pool_in(const struct generation *generation, size_t service)
{
	struct pool_handle *handle = generation->pools[service];

	return handle ? container_of(handle, struct pool, handle) : NULL;
}

static int pool_new(struct pool_handle **out, struct keeper *keeper, struct service_record *record,
		    const struct service *service)
{
	AUTO(auto_drop) struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->handle.references = 1;
	pool->handle.free = pool_free;
	pool->keeper = keeper;
	pool->record = record;
	record->pools++;
	pool->handle.passes = service->dispatch == DISPATCH_PASS;
	list_init(&pool->processes);
	list_add_before(&keeper->pools, &pool->link);
	if (pool->handle.passes) {
		pool->table = pass_table_new(service->pool.max * PLACES_PER_PROCESS,
					     service->pool.clients_per_process);
		if (!pool->table)
			return -ENOMEM;
	}
	*out = &take_ptr(pool)->handle;
	return 0;
}

/* The children of a pool have the listeners; those of `pass` know of none. */
static bool same_listeners(const struct pool *pool, const struct generation *next, size_t index)
{
	const struct service *old = pool_service(pool);
	const struct service *new = &next->settings->services[index];

	if (old->n_endpoints != new->n_endpoints)
		return false;
	for (size_t i = 0; i < old->n_endpoints; i++)
		if (pool->generation->bound[old->first_endpoint + i] !=
		    next->bound[new->first_endpoint + i])
			return false;
	return true;
}

static bool stays(const struct pool *pool, const struct generation *next, size_t index)
{
	return pool->state == POOL_OPEN &&
	       pool_suits(pool_service(pool), &next->settings->services[index]) &&
	       (pool->handle.passes || same_listeners(pool, next, index));
}

static int take(struct keeper *keeper, struct generation *generation, size_t index)
{
	const struct service *service = &generation->settings->services[index];
	struct service_record *record = generation->records[index];
	int r;

	if (service->pool.ready_notify) {
		r = ready_open(keeper);
		if (r < 0)
			return r;
	}
	if (record->pool &&
	    stays(container_of(record->pool, struct pool, handle), generation, index)) {
		generation->pools[index] = pool_handle_ref(record->pool);
		return 0;
	}
	return pool_new(&generation->pools[index], keeper, record, service);
}

int pools_take(struct keeper *keeper, struct generation *generation)
{
	for (size_t i = 0; i < generation->settings->n_services; i++) {
		enum dispatch_kind dispatch = generation->settings->services[i].dispatch;
		int r;

		if (dispatch != DISPATCH_POOL && dispatch != DISPATCH_PASS)
			continue;
		r = take(keeper, generation, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The pool that takes over the listeners of @pool, if there is one. */
static bool is_succeeded(const struct pool *pool)
{
	const struct generation *generation = pool->keeper->generation;
	int64_t index = generation_service(generation, pool->record);

	return index >= 0 && generation->settings->services[index].dispatch == DISPATCH_POOL &&
	       same_listeners(pool, generation, (size_t)index);
}

/* A child that no front can tell about ends when it has no client, or when it finds out. */
static void let_go(struct process *process, bool known)
{
	struct pool *pool = process->pool;

	if (process->state == PROCESS_STARTING || !process->leaving ||
	    (!known && pass_table_count(pool->table, process->place) == 0))
		process_end(process);
	else
		process_hang_up(process);
}

static void let_all_go(struct pool *pool)
{
	bool known = pool_is_known(pool);

	list_for_each(at, next, &pool->processes)
		let_go(container_of(at, struct process, link), known);
}

static void retire(struct pool *pool)
{
	bool succeeded = !pool->handle.passes && is_succeeded(pool);

	timer_cancel(&pool->again);
	timer_cancel(&pool->look);
	if (!succeeded)
		pool_relieve_others(pool);
	pool->generation = NULL;
	pool->record->pool = NULL;
	pool->state = succeeded ? POOL_SUPERSEDED : POOL_CLOSED;
	if (pool->handle.passes) {
		let_all_go(pool);
		return;
	}
	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (!succeeded || process->state == PROCESS_STARTING)
			process_end(process);
	}
}

static void adopt(struct pool *pool, const struct generation *generation, size_t index)
{
	pool->state = POOL_OPEN;
	pool->generation = generation;
	pool->service = index;
	pool->record->pool = &pool->handle;
}

void pools_follow(struct keeper *keeper)
{
	struct generation *generation = keeper->generation;

	list_for_each(at, next, &keeper->pools) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state == POOL_OPEN && !generation_names(generation, pool))
			retire(pool);
	}
	for (size_t i = 0; i < generation->settings->n_services; i++)
		if (generation->pools[i])
			adopt(pool_in(generation, i), generation, i);
	for (size_t i = 0; i < generation->settings->n_services; i++)
		if (generation->pools[i])
			pool_settle(pool_in(generation, i));
}

void pools_lost_front(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->pools) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state == POOL_CLOSED && pool->handle.passes && !pool_is_known(pool))
			let_all_go(pool);
	}
}
