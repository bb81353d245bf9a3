/* What the keeper says of the processes of dispatch `pass`, and what it is told of them. */

#include <unistd.h>

#include "base/log.h"
#include "channel/pass-table.h"
#include "front/core/throttle.h"
#include "front/pass/balancer.h"
#include "front/pass/pass.h"
#include "front/core/uplink.h"
#include "front/state.h"

static struct balancer *pool_of(const struct front *front, size_t service)
{
	return service < front->settings->n_services ? front->services[service].pool : NULL;
}

/* Calls for every process, which @fn may free. */
static void each_process(struct front *front, void (*fn)(struct pass_process *process))
{
	for (size_t i = 0; i < front->settings->n_services; i++) {
		struct balancer *pool = pool_of(front, i);

		if (!pool)
			continue;
		list_for_each(at, following, &pool->processes)
			fn(container_of(at, struct pass_process, link));
	}
}

static void on_pool(struct balancer *pool, const struct channel_message *message)
{
	pool->may_grow = message->pool.may_grow;
	balancer_relieve(pool);
}

static void on_process(struct balancer *pool, const struct channel_message *message, int fd)
{
	int r;

	/* It is new, so what its row still has is of one before, which nobody saw end. */
	if (pool->service->context->mode == MODE_SERVING &&
	    message->process.index < pool->table->n_processes &&
	    !pool->by_index[message->process.index])
		balancer_end_orphans(pool, message->process.index);
	r = balancer_add(pool, message->process.index, message->process.pid, fd);
	if (r < 0)
		log_service(LOG_ERR, pool->service->settings->name, r,
			    "cannot use its program (pid %ld)", (long)message->process.pid);
	else if (fd < 0)
		balancer_watch_closed(pool->by_index[message->process.index]);
	balancer_relieve(pool);
	balancer_watch_surplus(pool);
}

static void on_gone(struct pass_process *process, const struct channel_message *message)
{
	struct balancer *pool = process->pool;

	pass_process_bury(process, &message->process_gone.status);
	balancer_forget(process);
	balancer_relieve(pool);
}

static void on_process_index(struct balancer *pool, const struct channel_message *message)
{
	struct pass_process *process = NULL;

	if (message->process.index < pool->table->n_processes)
		process = pool->by_index[message->process.index];
	if (!process)
		return;
	if (message->type == CHANNEL_LEAVE)
		balancer_leave(process);
	else
		on_gone(process, message);
}

void pass_obey(struct front *front, const struct channel_message *message, int fd)
{
	struct balancer *pool = pool_of(front, message->process.service);

	if (!pool || (front->context.mode >= MODE_DRAINING && message->type == CHANNEL_PROCESS)) {
		if (fd >= 0)
			close(fd);
		return;
	}

	switch (message->type) {
	case CHANNEL_POOL:
		on_pool(pool, message);
		break;
	case CHANNEL_PROCESS:
		on_process(pool, message, fd);
		break;
	default:
		on_process_index(pool, message);
	}
}

static void rest(struct pass_process *process)
{
	if (!process->leaving)
		pass_process_disengage(process);
}

void pass_halt(struct front *front)
{
	each_process(front, rest);
}

static void stay(struct pass_process *process)
{
	int r;

	if (process->leaving && !process->dismissed) {
		process->leaving = false;
		process->pool->n_staying++;
	}
	r = process->closed ? 0 : pass_process_engage(process);
	if (r < 0) {
		log_service(LOG_ERR, process->pool->service->settings->name, r,
			    "cannot watch its program (pid %ld)", (long)process->pid);
		balancer_forget(process);
		return;
	}
	if (process->closed && !process->dismissed)
		balancer_watch_closed(process);
	balancer_rank(process);
	balancer_watch_surplus(process->pool);
}

void pass_resume(struct front *front)
{
	each_process(front, stay);
	pass_flush(front);
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (pool_of(front, i))
			balancer_relieve(pool_of(front, i));
}

static void let_go(struct pass_process *process)
{
	if (!process->leaving) {
		pass_process_disengage(process);
		balancer_forget(process);
	}
}

static void dismiss_idle(struct pass_process *process)
{
	if (!process->dismissed && (!process->engaged || pass_process_clients(process) == 0))
		balancer_dismiss(process);
}

void pass_drain(struct front *front, bool has_successor)
{
	each_process(front, has_successor ? let_go : balancer_leave);
	each_process(front, dismiss_idle);
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (pool_of(front, i))
			balancer_lose_kept(pool_of(front, i));
}

static void give_up(struct pass_process *process)
{
	pass_process_bury(process, NULL);
}

void pass_end_all(struct front *front)
{
	each_process(front, give_up);
}

bool pass_is_over(const struct front *front)
{
	return !list_is_linked(&front->unreported) && front->n_processes == 0;
}

void balancer_ask(struct balancer *pool)
{
	struct front *front = pool->service->front;
	struct channel_message message = {
		.type = CHANNEL_GROW,
		.grow.service = (uint32_t)pool->service->settings->index,
	};

	pool->may_grow = false;
	pool->wants_growth = !throttle_lets_requests(&front->throttle);
	if (!pool->wants_growth)
		uplink_send(&front->uplink, &message, -1);
	else if (!list_is_linked(&pool->unreported_link))
		list_add_before(&front->unreported, &pool->unreported_link);
}

/* Returns whether all of it went out. */
static bool say(struct balancer *pool)
{
	struct front *front = pool->service->front;

	list_for_each(at, following, &pool->processes) {
		struct pass_process *process = container_of(at, struct pass_process, link);
		/* The process too: another one may have its row by now. */
		struct channel_message message = {
			.type = CHANNEL_DISMISS,
			.dismiss.service = (uint32_t)pool->service->settings->index,
			.dismiss.index = process->process_index,
			.dismiss.pid = process->pid,
		};

		if (!process->unreported)
			continue;
		if (uplink_is_blocked(&front->uplink))
			return false;
		process->unreported = false;
		uplink_send(&front->uplink, &message, -1);
	}
	if (pool->wants_growth && !throttle_lets_requests(&front->throttle))
		return front->context.mode >= MODE_DRAINING;
	if (pool->wants_growth)
		balancer_ask(pool);
	return true;
}

void pass_flush(struct front *front)
{
	/* Halted, a front says nothing: the keeper has its answer. */
	if (front->context.mode == MODE_HALTED)
		return;
	list_for_each(at, following, &front->unreported) {
		struct balancer *pool = container_of(at, struct balancer, unreported_link);

		if (!say(pool))
			continue;
		list_unlink(&pool->unreported_link);
	}
}
