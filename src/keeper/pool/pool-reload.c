#include "keeper/pool/pool-reload.h"

#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pool.h"
#include "keeper/service/generation.h"

/* For pools of `pool`, whose processes have the listeners open. Those of `pass` have none. */
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
	       pool_service(pool)->digest == next->settings->services[index].digest &&
	       (pool->handle.passes || same_listeners(pool, next, index));
}

static int take(struct pools *pools, struct generation *generation, size_t index)
{
	const struct service *service = &generation->settings->services[index];
	struct service_record *record = generation->records[index];
	struct pool *pool;
	int r;

	if (service->pool.ready_notify) {
		r = ready_open(&pools->ready, pools->poller);
		if (r < 0)
			return r;
	}
	if (record->pool && stays(pool_of(record->pool), generation, index)) {
		generation->pools[index] = pool_handle_ref(record->pool);
		return 0;
	}
	r = pool_new(&pool, pools, record, service);
	if (r < 0)
		return r;
	generation->pools[index] = &pool->handle;
	return 0;
}

int pools_take(struct pools *pools, struct generation *generation)
{
	for (size_t i = 0; i < generation->settings->n_services; i++) {
		enum dispatch_kind dispatch = generation->settings->services[i].dispatch;
		int r;

		if (!dispatch_has(dispatch, DISPATCH_STARTS_PROCESSES))
			continue;
		r = take(pools, generation, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether another pool takes over the listeners of @pool. */
static bool is_succeeded(const struct pool *pool, const struct generation *next)
{
	int64_t index = generation_service(next, pool->handle.record);

	return index >= 0 &&
	       dispatch_has(next->settings->services[index].dispatch, DISPATCH_SHARES_LISTENER) &&
	       same_listeners(pool, next, (size_t)index);
}

/*
 * Ends the process if nothing else would: it is starting, no front was told to let it leave, or it
 * has no clients and no front knows it. Otherwise it ends after its last client, because a front
 * dismisses it, or because it finds that all other ends of its socket are closed.
 */
static void let_go(struct pool *pool, struct process *process, bool known)
{
	if (process->state == PROCESS_STARTING || !process->leaving ||
	    (!known && pass_table_count(pool->table, process->index) == 0))
		process_end(process);
	else
		process_hang_up(process);
}

void pool_let_go(struct pool *pool)
{
	bool known = notices_reach(pool->pools->fronts, &pool->handle);

	list_for_each(at, next, &pool->processes)
		let_go(pool, container_of(at, struct process, link), known);
}

static void retire(struct pool *pool, const struct generation *next)
{
	bool succeeded = !pool->handle.passes && is_succeeded(pool, next);

	if (!succeeded)
		pool_end_superseded(pool);
	pool_retire(pool, succeeded ? POOL_SUPERSEDED : POOL_CLOSED);
	if (pool->handle.passes) {
		pool_let_go(pool);
		return;
	}
	list_for_each(at, following, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (!succeeded || process->state == PROCESS_STARTING)
			process_end(process);
	}
}

void pools_follow(struct pools *pools, const struct generation *generation)
{
	list_for_each(at, next, &pools->list) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state == POOL_OPEN && generation_pool(generation, &pool->handle) < 0)
			retire(pool, generation);
	}
	for (size_t i = 0; i < generation->settings->n_services; i++)
		if (generation->pools[i])
			pool_open(pool_of(generation->pools[i]), generation, i);
}

void pools_tell_leave(struct pools *pools, struct front *front, const struct generation *next)
{
	list_for_each(at, following, &pools->list) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state != POOL_OPEN || !pool->handle.passes ||
		    generation_pool(next, &pool->handle) >= 0)
			continue;
		list_for_each(of, after, &pool->processes) {
			struct process *process = container_of(of, struct process, link);

			if (process->state == PROCESS_READY)
				notices_leave(front, process);
		}
	}
}

void pools_take_back_leave(struct pools *pools)
{
	list_for_each(at, next, &pools->list) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state != POOL_OPEN)
			continue;
		list_for_each(of, following, &pool->processes)
			container_of(of, struct process, link)->leaving = false;
	}
}
