#include "keeper/pool/pool.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/channel.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/pool/notices.h"
#include "keeper/fronts/front.h"
#include "keeper/pool/process.h"
#include "keeper/state.h"

#define SHORTAGE_FIRST_MS 50
#define SHORTAGE_MAX_MS 500

const struct service *pool_service(const struct pool *pool)
{
	return &pool->generation->settings->services[pool->service];
}

/* How many are or will be of use. */
static unsigned count_alive(const struct pool *pool)
{
	return pool->n_starting + pool->n_ready;
}

/* One of a pool that ends may still have its client, and counts until it has gone. */
static bool has_room(const struct pool *pool)
{
	unsigned n = count_alive(pool);

	if (pool->handle.passes)
		return n < pool_service(pool)->pool.max &&
		       n + pool->n_ending < pool->table->n_processes;
	return n + pool->n_ending < pool_service(pool)->pool.max;
}

/* A pool shares all listeners of its service, or none. */
static bool is_bound(const struct pool *pool)
{
	const struct service *service = pool_service(pool);

	for (size_t i = 0; !pool->handle.passes && i < service->n_endpoints; i++)
		if (pool->generation->listeners[service->first_endpoint + i]->fd < 0)
			return false;
	return true;
}

static bool may_start(const struct pool *pool)
{
	return pool->state == POOL_OPEN && !pool->keeper->stopping && pool->again.place == 0 &&
	       has_room(pool) && is_bound(pool);
}

/* At most as many at once as there are already: demand is looked at again when they serve. */
bool pool_may_grow(const struct pool *pool)
{
	unsigned young = pool->n_starting + pool->n_fresh;

	return may_start(pool) && (young == 0 || young < pool->n_ready - pool->n_fresh);
}

static bool wants_more(const struct pool *pool)
{
	return may_start(pool) && (count_alive(pool) < pool_service(pool)->pool.min || pool->asked);
}

static void on_again(struct timer *timer)
{
	pool_settle(container_of(timer, struct pool, again));
}

static void start_again_in(struct pool *pool, int64_t pause_ms)
{
	(void)timer_set(&pool->again, pool->keeper->timers, clock_ms() + pause_ms, on_again);
}

void pool_note_quick_death(struct pool *pool)
{
	int64_t now = clock_ms(), pause_ms;

	if (pool->state != POOL_OPEN || pool->keeper->stopping ||
	    !respawn_pause(&pool->respawn, now))
		return;
	pause_ms = respawn_wait_ms(&pool->respawn, now);
	pool->asked = false;
	start_again_in(pool, pause_ms);
	if (pool->respawn.deaths == 1)
		log_service(LOG_WARNING, pool->record->name, 0,
			    "its program ended at once; next start in %lld s",
			    (long long)pause_ms / 1000);
	else
		log_service(LOG_WARNING, pool->record->name, 0,
			    "its program ended %u times in a row at once; "
			    "next start in %lld s",
			    pool->respawn.deaths, (long long)pause_ms / 1000);
}

static void note_shortage(struct pool *pool, int error)
{
	if (pool->shortage_ms == 0)
		log_service(LOG_WARNING, pool->record->name, error,
			    "no process can be started for now");
	pool->shortage_ms = pool->shortage_ms ? pool->shortage_ms * 2 : SHORTAGE_FIRST_MS;
	if (pool->shortage_ms > SHORTAGE_MAX_MS)
		pool->shortage_ms = SHORTAGE_MAX_MS;
	start_again_in(pool, pool->shortage_ms);
}

static void note_plenty(struct pool *pool)
{
	if (pool->shortage_ms > 0)
		log_service(LOG_INFO, pool->record->name, 0, "processes can be started again");
	pool->shortage_ms = 0;
}

static void start_missing(struct pool *pool)
{
	int r = 1;

	while (r > 0 && wants_more(pool)) {
		r = process_start(pool);
		if (r < 0)
			note_shortage(pool, r);
		else
			note_plenty(pool);
	}
}

static void end_processes(struct pool *pool)
{
	list_for_each(at, next, &pool->processes)
		process_end(container_of(at, struct process, link));
}

static void close_pool(struct pool *pool)
{
	pool->state = POOL_CLOSED;
	end_processes(pool);
}

void pool_relieve_others(const struct pool *pool)
{
	list_for_each(at, next, &pool->keeper->pools) {
		struct pool *other = container_of(at, struct pool, link);

		if (other->record == pool->record && other->state == POOL_SUPERSEDED)
			close_pool(other);
	}
}

void pool_settle(struct pool *pool)
{
	if (pool->state != POOL_OPEN || pool->keeper->stopping)
		return;
	start_missing(pool);
	if (pool->n_ready >= pool_service(pool)->pool.min)
		pool_relieve_others(pool);
	pool_watch_idle(pool);
	if (pool->told_ready == pool->n_ready && pool->told_may_grow == pool_may_grow(pool))
		return;
	pool_tell(pool);
}

/* Requests of a front */

static void grow(struct pool *pool)
{
	pool->asked = pool_may_grow(pool);
	pool_settle(pool);
	/* Also when nothing has changed: it waits for an answer. */
	pool_tell(pool);
}

static void dismiss(struct pool *pool, unsigned place, pid_t pid)
{
	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (process->place == place && process->child->pid == pid) {
			process_end(process);
			pool_settle(pool);
			return;
		}
	}
}

int pools_handle(struct keeper *keeper, const struct front *front,
		 const struct channel_message *message)
{
	struct pool *pool = pool_of_front(front, message->grow.service);

	/* One that drains may have lost what it is to speak of. */
	if (!pool)
		return front->generation ? -EBADMSG : 0;
	if (message->type == CHANNEL_DISMISS) {
		if (!pool->handle.passes || message->dismiss.index >= pool->table->n_processes)
			return -EBADMSG;
		dismiss(pool, message->dismiss.index, message->dismiss.pid);
		return 0;
	}
	if (!front->generation)
		return -EBADMSG;
	if (pool->state == POOL_OPEN)
		grow(pool);
	return 0;
}

/* Events of the keeper */

void pools_stop(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->pools) {
		struct pool *pool = container_of(at, struct pool, link);

		timer_cancel(&pool->again);
		timer_cancel(&pool->look);
		list_for_each(of, following, &pool->processes) {
			struct process *process = container_of(of, struct process, link);

			if (!pool->handle.passes || process->state == PROCESS_STARTING)
				process_end(process);
		}
	}
}

void pools_end(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->pools)
		end_processes(container_of(at, struct pool, link));
}

void pools_on_bound(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->pools)
		pool_settle(container_of(at, struct pool, link));
}
