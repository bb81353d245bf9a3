#include "keeper/pool/notices.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel/startup.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/pool/pool.h"
#include "keeper/fronts/channel.h"
#include "keeper/fronts/front.h"
#include "keeper/pool/process.h"
#include "keeper/state.h"

bool generation_names(const struct generation *generation, const struct pool *pool)
{
	int64_t index = generation_service(generation, pool->record);

	return index >= 0 && generation->pools[index] == &pool->handle;
}

struct pool *pool_of_front(const struct front *front, uint32_t service)
{
	struct pool_handle *const *pools = front->generation ? front->generation->pools
							     : front->pools;
	size_t n = front->generation ? front->generation->n_records : front->n_pools;

	return service < n && pools[service] ? container_of(pools[service], struct pool, handle)
					     : NULL;
}

/* The index of @pool among the services of @front, or -1. */
static int64_t service_in(const struct front *front, const struct pool *pool)
{
	if (front->generation)
		return generation_names(front->generation, pool)
			       ? generation_service(front->generation, pool->record)
			       : -1;
	for (size_t i = 0; i < front->n_pools; i++)
		if (front->pools[i] == &pool->handle)
			return (int64_t)i;
	return -1;
}

bool pool_is_known(const struct pool *pool)
{
	list_for_each(at, next, &pool->keeper->fronts.list)
		if (service_in(container_of(at, struct front, link), pool) >= 0)
			return true;
	return false;
}

/* Starts a message about @pool to @front. Returns false where it does not know it. */
static bool address_message(struct channel_message *out, const struct front *front,
			    const struct pool *pool, enum channel_type type)
{
	int64_t service = service_in(front, pool);

	if (service < 0)
		return false;
	*out = (struct channel_message){ .type = type, .process.service = (uint32_t)service };
	return true;
}

void pool_tell(struct pool *pool)
{
	pool->told_ready = pool->n_ready;
	pool->told_may_grow = pool_may_grow(pool);
	list_for_each(at, next, &pool->keeper->fronts.list) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message;

		if (!front_counts(front) || !address_message(&message, front, pool, CHANNEL_POOL))
			continue;
		message.pool.ready = pool->told_ready;
		message.pool.may_grow = pool->told_may_grow;
		front_send(front, &message, -1);
	}
}

static bool address_member(struct channel_message *out, const struct front *front,
			   const struct process *process, enum channel_type type)
{
	if (!address_message(out, front, process->pool, type))
		return false;
	out->process.index = process->place;
	return true;
}

static void tell_process(struct front *front, const struct process *process)
{
	struct channel_message message;

	if (!address_member(&message, front, process, CHANNEL_PROCESS))
		return;
	message.process.pid = process->child->pid;
	front_lend(front, &message, process->fd);
}

void pool_tell_process(const struct process *process)
{
	list_for_each(at, next, &process->pool->keeper->fronts.list) {
		struct front *front = container_of(at, struct front, link);

		if (front_counts(front))
			tell_process(front, process);
	}
}

void pool_tell_process_again(struct front *front, const struct pool *pool, unsigned place)
{
	list_for_each(at, next, &pool->processes) {
		const struct process *process = container_of(at, struct process, link);

		if (process->place == place && process->state == PROCESS_READY && process->fd >= 0)
			tell_process(front, process);
	}
}

void pool_tell_gone(const struct process *process, int status)
{
	list_for_each(at, next, &process->pool->keeper->fronts.list) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message;

		if (!address_member(&message, front, process, CHANNEL_PROCESS_GONE))
			continue;
		message.process_gone.status = status;
		front_send(front, &message, -1);
	}
}

static void tell_leave(struct front *front, struct pool *pool)
{
	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);
		struct channel_message message;

		if (process->state != PROCESS_READY ||
		    !address_member(&message, front, process, CHANNEL_LEAVE))
			continue;
		process->leaving = true;
		front_send(front, &message, -1);
	}
}

void pools_tell_leave(struct keeper *keeper, const struct generation *next)
{
	list_for_each(at, following, &keeper->pools) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state == POOL_OPEN && pool->handle.passes &&
		    !generation_names(next, pool))
			tell_leave(keeper->fronts.current, pool);
	}
}

void pools_take_back_leave(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->pools) {
		struct pool *pool = container_of(at, struct pool, link);

		if (pool->state != POOL_OPEN)
			continue;
		list_for_each(of, following, &pool->processes)
			container_of(of, struct process, link)->leaving = false;
	}
}

static bool is_born_with(const struct generation *generation, const struct process *process)
{
	return process->state == PROCESS_READY && process->fd >= 0 &&
	       generation_names(generation, process->pool);
}

static void describe_pool(struct startup_pool *out, const struct pool *pool)
{
	*out = (struct startup_pool){
		.ready = pool->n_ready,
		.may_grow = pool_may_grow(pool),
		.table = pool->table,
	};
}

int pools_startup(const struct keeper *keeper, const struct generation *generation,
		  struct startup_pool **out_pools, struct startup_process **out_processes,
		  size_t *out_n)
{
	size_t n = 0;

	*out_pools = calloc(generation->n_records + 1, sizeof(**out_pools));
	*out_processes = calloc(children_count(&keeper->children) + 1, sizeof(**out_processes));
	if (!*out_pools || !*out_processes)
		return -ENOMEM;
	for (size_t i = 0; i < generation->n_records; i++)
		if (generation->pools[i])
			describe_pool(&(*out_pools)[i], pool_in(generation, i));
	for (const struct child *at = keeper->children.by_pid; at; at = at->hh.next) {
		const struct process *process = at->process;

		if (!process || !is_born_with(generation, process))
			continue;
		(*out_processes)[n++] = (struct startup_process){
			.service = (size_t)generation_service(generation, process->pool->record),
			.process_index = process->place,
			.pid = at->pid,
			.fd = process->fd,
		};
	}
	*out_n = n;
	return 0;
}

void pools_abandon(const struct keeper *keeper, const struct generation *generation)
{
	for (const struct child *at = keeper->children.by_pid; at; at = at->hh.next)
		if (at->process && at->process->fd >= 0 && !is_born_with(generation, at->process))
			close(at->process->fd);
	if (keeper->ready.fd >= 0)
		close(keeper->ready.fd);
}
