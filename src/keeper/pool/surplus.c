#include "keeper/pool/surplus.h"

#include "base/clock.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/pool/pool-state.h"

/* How many samples are taken in `idle_exit`, and the bounds of the pause between two. */
#define SAMPLES 4
#define SAMPLING_MIN_MS 50
#define SAMPLING_MAX_MS 5000

static bool has_surplus(const struct pool *pool)
{
	return pool->counts.ready > pool_service(pool)->pool.min;
}

void surplus_sample(struct pool *pool, struct process *process)
{
	struct usage usage;

	if (usage_of(process->child->pid, &usage) < 0)
		return;
	idle_note(&process->idle, &usage, clock_ms());
	if (pool->baseline_fds == 0 || usage.descriptors < pool->baseline_fds)
		pool->baseline_fds = usage.descriptors;
}

static void sample_all(struct pool *pool)
{
	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (process->state == PROCESS_READY && !process->settling)
			surplus_sample(pool, process);
	}
}

static void end_idle(struct pool *pool)
{
	int64_t limit_ms = pool_service(pool)->pool.idle_exit_ms;
	int64_t now_ms = clock_ms();

	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (process->state == PROCESS_READY && process->idle.since_ms != 0 &&
		    idle_is_enough(&process->idle, pool->baseline_fds, now_ms, limit_ms) &&
		    has_surplus(pool)) {
			process_end(process);
			service_debug(
				pool_service(pool), "pool: ends pid %ld, idle for %lld ms; %s",
				(long)process->child->pid,
				(long long)(now_ms - process->idle.since_ms), pool_counts(pool));
		}
	}
}

static void on_sampling(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, sampling);

	sample_all(pool);
	end_idle(pool);
	pool_changed(pool);
}

void surplus_watch(struct pool *pool)
{
	int64_t pause_ms = pool_service(pool)->pool.idle_exit_ms / SAMPLES;

	if (pool->handle.passes || !has_surplus(pool)) {
		timer_cancel(&pool->sampling);
		return;
	}
	if (timer_is_set(&pool->sampling))
		return;
	if (pause_ms < SAMPLING_MIN_MS)
		pause_ms = SAMPLING_MIN_MS;
	if (pause_ms > SAMPLING_MAX_MS)
		pause_ms = SAMPLING_MAX_MS;
	(void)timer_set(&pool->sampling, pool->pools->timers, clock_ms() + pause_ms, on_sampling);
}
