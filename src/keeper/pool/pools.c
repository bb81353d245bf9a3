#include "keeper/pool/pools.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "channel/channel.h"
#include "channel/pass-table.h"
#include "channel/startup.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/fronts/front.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pool.h"
#include "keeper/service/generation.h"

/* Only the process itself may say so, not a child of it. */
static bool is_writer(const struct ready_socket *ready, pid_t writer)
{
	return container_of(ready, const struct process, ready)->child->pid == writer;
}

static void on_ready(struct ready_socket *ready)
{
	pool_process_ready(container_of(ready, struct process, ready));
}

static void on_flooded(struct ready_socket *ready, pid_t writer, uid_t user)
{
	const struct process *process = container_of(ready, struct process, ready);

	log_service(LOG_WARNING, process->pool->record->name, 0,
		    "pid %ld of user %lu floods the socket on which pid %ld is to say that it is "
		    "ready; reading it slowly",
		    (long)writer, (unsigned long)user, (long)process->child->pid);
}

static const struct ready_events ready_events = {
	.is_writer = is_writer,
	.said_ready = on_ready,
	.flooded = on_flooded,
};

void pools_init(struct pools *pools)
{
	list_init(&pools->list);
	list_init(&pools->changed);
	pools->ready_events = &ready_events;
	list_init(&pools->waiting);
}

static void forget_processes(struct pool *pool)
{
	struct pool_handle *handle = pool_handle_ref(&pool->handle);

	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		/* A child that cannot even be killed still has what it was launched with. */
		if (process->child->launch)
			process->launch = (struct process_launch){ 0 };
		process_free(process);
	}
	pool_handle_unref(handle);
}

void pools_fini(struct pools *pools)
{
	list_for_each(at, next, &pools->list)
		forget_processes(container_of(at, struct pool, link));
}

/* Those that wait for a launch try again. */
static void wake_waiting(struct pools *pools)
{
	while (list_is_linked(&pools->waiting)) {
		struct pool *pool = container_of(pools->waiting.next, struct pool, waiting_link);

		list_unlink(&pool->waiting_link);
		pool_changed(pool);
	}
}

void pools_settle(struct pools *pools)
{
	wake_waiting(pools);
	while (list_is_linked(&pools->changed)) {
		struct pool *pool = container_of(pools->changed.next, struct pool, changed_link);

		list_unlink(&pool->changed_link);
		pool_settle(pool);
	}
}

int pools_handle(const struct front *front, const struct channel_message *message)
{
	struct pool_handle *handle = notices_pool_of(front, message->grow.service);
	struct pool *pool;

	/* A front that drains may refer to a pool that is gone. */
	if (!handle)
		return front->generation ? -EBADMSG : 0;
	pool = pool_of(handle);
	if (message->type == CHANNEL_DISMISS) {
		const struct channel_dismiss *dismiss = &message->dismiss;

		if (!handle->passes || dismiss->index >= pool->table->n_processes)
			return -EBADMSG;
		pool_dismiss(pool, dismiss->index, dismiss->pid);
		return 0;
	}
	if (!front->generation)
		return -EBADMSG;
	if (pool->state == POOL_OPEN)
		pool_grow(pool);
	return 0;
}

void pools_stop(struct pools *pools)
{
	pools->stopping = true;
	list_for_each(at, next, &pools->list) {
		struct pool *pool = container_of(at, struct pool, link);

		timer_cancel(&pool->again);
		timer_cancel(&pool->sampling);
		list_for_each(of, following, &pool->processes) {
			struct process *process = container_of(of, struct process, link);

			if (!pool->handle.passes || process->state == PROCESS_STARTING)
				process_end(process);
		}
	}
}

void pools_end(struct pools *pools)
{
	list_for_each(at, next, &pools->list)
		list_for_each(of, following, &container_of(at, struct pool, link)->processes)
			process_end(container_of(of, struct process, link));
}

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

/* For a closed pool of `pass`: its processes end when the last front lets go of them. */
static void leave_to_fronts(struct pool *pool)
{
	bool known = notices_reach(pool->pools->fronts, &pool->handle);

	list_for_each(at, next, &pool->processes)
		let_go(pool, container_of(at, struct process, link), known);
}

static void retire(struct pool *pool, const struct generation *next)
{
	bool succeeded = !pool->handle.passes && is_succeeded(pool, next);

	service_debug(pool_service(pool), "pool: %s; %s",
		      succeeded ? "serves until the next one is ready" : "ends", pool_counts(pool));
	if (!succeeded)
		pool_end_superseded(pool);
	pool_retire(pool, succeeded ? POOL_SUPERSEDED : POOL_CLOSED);
	if (pool->handle.passes) {
		leave_to_fronts(pool);
		return;
	}
	list_for_each(at, following, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (!succeeded || process->state == PROCESS_STARTING)
			process_end(process);
	}
}

void pools_follow(struct pools *pools, struct generation *generation)
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

void pools_lost_front(struct pools *pools)
{
	list_for_each(at, next, &pools->list) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state == POOL_CLOSED && pool->handle.passes &&
		    !notices_reach(pools->fronts, &pool->handle))
			leave_to_fronts(pool);
	}
}

/* Processes start when all listeners are bound, so these have a socket that was ruined. */
static void end_without(struct pool *pool, const struct bound_listener *bound)
{
	const struct service *service = pool_service(pool);

	for (size_t i = 0; i < service->n_endpoints; i++) {
		if (pool->generation->bound[service->first_endpoint + i] != bound)
			continue;
		list_for_each(at, next, &pool->processes)
			process_end(container_of(at, struct process, link));
	}
}

void pools_on_bound(struct pools *pools, const struct bound_listener *bound)
{
	list_for_each(at, next, &pools->list) {
		struct pool *pool = container_of(at, struct pool, link);

		if (!pool->handle.passes && pool->state == POOL_OPEN)
			end_without(pool, bound);
		pool_changed(pool);
	}
}

static bool is_for(const struct generation *generation, const struct process *process)
{
	return process->state == PROCESS_READY && process->fd >= 0 &&
	       generation_pool(generation, process->pool) >= 0;
}

static size_t count_processes(const struct pools *pools)
{
	size_t n = 0;

	list_for_each(at, next, &pools->list)
		n += container_of(at, struct pool, link)->counts.ready;
	return n;
}

static size_t list_processes(struct startup_process *out, const struct pool *pool,
			     const struct generation *generation)
{
	size_t n = 0;

	list_for_each(at, next, &pool->processes) {
		const struct process *process = container_of(at, struct process, link);

		if (!is_for(generation, process))
			continue;
		out[n++] = (struct startup_process){
			.service = (size_t)generation_pool(generation, process->pool),
			.process_index = process->index,
			.pid = process->child->pid,
			.fd = process->fd,
		};
	}
	return n;
}

static struct startup_pool describe(const struct pool *pool)
{
	return (struct startup_pool){
		.ready = pool->counts.ready,
		.may_grow = pool_may_grow(pool),
		.table = pool->table,
	};
}

int pools_startup(const struct pools *pools, const struct generation *generation,
		  struct startup_pool **out_pools, struct startup_process **out_processes,
		  size_t *out_n)
{
	size_t n = 0;

	*out_pools = calloc(generation->n_records + 1, sizeof(**out_pools));
	*out_processes = calloc(count_processes(pools) + 1, sizeof(**out_processes));
	if (!*out_pools || !*out_processes)
		return -ENOMEM;
	for (size_t i = 0; i < generation->n_records; i++)
		if (generation->pools[i])
			(*out_pools)[i] = describe(pool_of(generation->pools[i]));
	list_for_each(at, next, &pools->list)
		n += list_processes(*out_processes + n, container_of(at, struct pool, link),
				    generation);
	*out_n = n;
	return 0;
}

void pools_abandon(const struct pools *pools, const struct generation *generation)
{
	list_for_each(at, next, &pools->list) {
		list_for_each(of, following, &container_of(at, struct pool, link)->processes) {
			const struct process *process = container_of(of, struct process, link);

			process_abandon_launch(process);
			if (process->fd >= 0 && !is_for(generation, process))
				close(process->fd);
			if (process->ready.fd >= 0)
				close(process->ready.fd);
		}
	}
}
