/* Ends what is surplus in a pool, once it has been idle for long enough. */

#include "base/clock.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/pool/pool.h"
#include "keeper/pool/process.h"
#include "keeper/state.h"

/* Looks in the time after which an idle one ends, and the bounds of the pause between two. */
#define LOOKS 4
#define LOOK_MIN_MS 50
#define LOOK_MAX_MS 5000

static bool is_surplus(const struct pool *pool)
{
	return pool->n_ready > pool_service(pool)->pool.min;
}

void pool_look_at(struct pool *pool, struct process *process)
{
	struct usage usage;

	if (usage_of(process->child->pid, &usage) < 0)
		return;
	idle_look(&process->idle, &usage, clock_ms());
	if (pool->least == 0 || usage.descriptors < pool->least)
		pool->least = usage.descriptors;
}

static void look_at_all(struct pool *pool)
{
	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (process->state == PROCESS_READY && !process->fresh)
			pool_look_at(pool, process);
	}
}

static void end_idle(struct pool *pool)
{
	int64_t limit_ms = pool_service(pool)->pool.idle_exit_ms;
	int64_t now_ms = clock_ms();

	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (process->state == PROCESS_READY && process->idle.since_ms != 0 &&
		    idle_is_enough(&process->idle, pool->least, now_ms, limit_ms) &&
		    is_surplus(pool))
			process_end(process);
	}
}

static void on_look(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, look);

	look_at_all(pool);
	end_idle(pool);
	pool_settle(pool);
}

void pool_watch_idle(struct pool *pool)
{
	int64_t pause_ms = pool_service(pool)->pool.idle_exit_ms / LOOKS;

	if (pool->handle.passes || !is_surplus(pool)) {
		timer_cancel(&pool->look);
		return;
	}
	if (pool->look.place != 0)
		return;
	if (pause_ms < LOOK_MIN_MS)
		pause_ms = LOOK_MIN_MS;
	if (pause_ms > LOOK_MAX_MS)
		pause_ms = LOOK_MAX_MS;
	(void)timer_set(&pool->look, pool->keeper->timers, clock_ms() + pause_ms, on_look);
}
