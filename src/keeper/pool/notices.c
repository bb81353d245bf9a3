#include "keeper/pool/notices.h"

#include "channel/channel.h"
#include "keeper/child/child.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/pool/process.h"
#include "keeper/service/generation.h"
#include "keeper/service/pool-handle.h"

struct pool_handle *notices_pool_of(const struct front *front, uint32_t service)
{
	struct pool_handle *const *pools = front->generation ? front->generation->pools
							     : front->pools;
	size_t n = front->generation ? front->generation->n_records : front->n_pools;

	return service < n ? pools[service] : NULL;
}

/* The index of @pool among the services of @front, or -1. */
static int64_t service_in(const struct front *front, const struct pool_handle *pool)
{
	if (front->generation)
		return generation_pool(front->generation, pool);
	for (size_t i = 0; i < front->n_pools; i++)
		if (front->pools[i] == pool)
			return (int64_t)i;
	return -1;
}

bool notices_reach(const struct fronts *fronts, const struct pool_handle *pool)
{
	list_for_each(at, next, &fronts->list)
		if (service_in(container_of(at, struct front, link), pool) >= 0)
			return true;
	return false;
}

void notices_pool(struct fronts *fronts, const struct pool_handle *pool, unsigned ready,
		  bool may_grow)
{
	struct channel_message message = {
		.type = CHANNEL_POOL,
		.pool = { .ready = ready, .may_grow = may_grow },
	};

	list_for_each(at, next, &fronts->list) {
		struct front *front = container_of(at, struct front, link);
		int64_t service = service_in(front, pool);

		if (!front_counts(front) || service < 0)
			continue;
		message.pool.service = (uint32_t)service;
		front_send(front, &message, -1);
	}
}

/* Begins a message about @process to @front. Returns false if the front does not know it. */
static bool address_message(struct channel_message *out, const struct front *front,
			    const struct process *process, enum channel_type type)
{
	int64_t service = service_in(front, process->pool);

	if (service < 0)
		return false;
	*out = (struct channel_message){
		.type = type,
		.process = { .service = (uint32_t)service, .index = process->index },
	};
	return true;
}

static void lend_process(struct front *front, const struct process *process)
{
	struct channel_message message;

	if (!address_message(&message, front, process, CHANNEL_PROCESS))
		return;
	message.process.pid = process->child->pid;
	front_lend(front, &message, process->fd);
}

void notices_process(struct fronts *fronts, struct process *process)
{
	process->is_known = true;
	list_for_each(at, next, &fronts->list) {
		struct front *front = container_of(at, struct front, link);

		if (front_counts(front))
			lend_process(front, process);
	}
}

void notices_leave(struct front *front, struct process *process)
{
	struct channel_message message;

	if (!address_message(&message, front, process, CHANNEL_LEAVE))
		return;
	process->leaving = true;
	front_send(front, &message, -1);
}

void notices_gone(struct fronts *fronts, const struct process *process, int status)
{
	if (!process->is_known)
		return;
	list_for_each(at, next, &fronts->list) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message;

		if (!address_message(&message, front, process, CHANNEL_PROCESS_GONE))
			continue;
		message.process_gone.status = status;
		front_send(front, &message, -1);
	}
}
