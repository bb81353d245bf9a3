#include "keeper/pool/pool.h"

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child/failures.h"
#include "keeper/child/child.h"
#include "keeper/exec/launches.h"
#include "keeper/fronts/fronts.h"
#include "keeper/pool/life.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pauses.h"
#include "keeper/pool/pool-start.h"
#include "keeper/pool/surplus.h"
#include "keeper/service/generation.h"

/* Which part of `ready_timeout` passes before it is said that a process is not ready. */
#define LATE 3

/* With `ready = start` a process has this time until it should accept its first client. */
#define SETTLING_MS 100

/* Decisions */

/* How many processes serve, or will. */
static unsigned count_alive(const struct pool *pool)
{
	return pool->counts.starting + pool->counts.ready;
}

/* A process that is ending may still have its client, so it counts until it has gone. */
static bool has_room(const struct pool *pool)
{
	unsigned n = count_alive(pool), max = pool_service(pool)->pool.max;

	if (pool->handle.passes)
		return n < max && n + pool->counts.ending < pool->table->n_processes;
	return n + pool->counts.ending < max;
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
	return pool_is_serving(pool) && !timer_is_set(&pool->again) && has_room(pool) &&
	       is_bound(pool);
}

/* At most as many processes start at once as are ready. Then demand is looked at again. */
bool pool_may_grow(const struct pool *pool)
{
	unsigned young = pool->counts.starting + pool->counts.settling;

	return may_start(pool) &&
	       (young == 0 || young < pool->counts.ready - pool->counts.settling);
}

static bool wants_more(const struct pool *pool)
{
	return may_start(pool) && (count_alive(pool) < pool_service(pool)->pool.min || pool->asked);
}

/* The life of a process */

static void on_limit(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, limit);
	struct pool *pool = pool_of(process->pool);
	const struct service *service;
	char limit[TEXT_SECONDS_MAX];
	int64_t limit_ms;

	if (process->timed_out) {
		/* It was never ready, so it has no client that could be lost. */
		kill(process->child->pid, SIGKILL);
		return;
	}
	service = pool_service(pool);
	limit_ms = service->pool.ready_timeout_ms;
	log_service(LOG_WARNING, service->name, 0,
		    "'%s' (pid %ld) was not ready after %s; ending it", service->program.path,
		    (long)process->child->pid, text_seconds(limit, limit_ms));
	process_end(process);
	process->timed_out = true;
	(void)timer_set(timer, pool->pools->timers, clock_ms() + limit_ms, on_limit);
	pool_changed(pool);
}

/* A third of the time has gone. Who waits for the service should not have to wait for the rest. */
static void on_late(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, limit);
	struct pool *pool = pool_of(process->pool);
	const struct service *service = pool_service(pool);
	int64_t limit_ms = service->pool.ready_timeout_ms, rest_ms = limit_ms - limit_ms / LATE;
	char late[TEXT_SECONDS_MAX], rest[TEXT_SECONDS_MAX];

	log_service(LOG_WARNING, service->name, 0,
		    "'%s' (pid %ld) has not sent READY=1 after %s; it has %s more",
		    service->program.path, (long)process->child->pid,
		    text_seconds(late, limit_ms - rest_ms), text_seconds(rest, rest_ms));
	(void)timer_set(timer, pool->pools->timers, clock_ms() + rest_ms, on_limit);
}

static void on_settled(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, limit);
	struct pool *pool = pool_of(process->pool);

	process_settled(process);
	if (!pool->handle.passes)
		surplus_sample(pool, process);
	pool_changed(pool);
}

static void become_ready(struct pool *pool, struct process *process, bool settles)
{
	process_ready(process, settles);
	if (pool_is_serving(pool))
		service_debug(pool_service(pool), "pool: pid %ld is ready; %s",
			      (long)process->child->pid, pool_counts(pool));
	if (pool->handle.passes)
		notices_process(pool->pools->fronts, process);
	pool_changed(pool);
}

void pool_process_ready(struct process *process)
{
	/* It may say so before the keeper has seen that it runs. */
	if (process->child->launch)
		launches_look(pool_of(process->pool)->pools->launches);
	if (process->state != PROCESS_STARTING || process->child->launch)
		return;
	process->said_ready = true;
	become_ready(pool_of(process->pool), process, false);
}

/* The launch of @process is over. */
static void end_launch(struct pool *pool, struct process *process)
{
	process->child->launch = NULL;
	process_end_launch(process);
	pool->launching = false;
	pool_changed(pool);
}

/* The program of @process runs, and nothing has ended it meanwhile. */
static void begin(struct pool *pool, struct process *process)
{
	const struct pool_settings *settings = &pool_service(pool)->pool;
	int64_t now = clock_ms();

	pool->asked = false;
	if (settings->ready_notify) {
		(void)timer_set(&process->limit, pool->pools->timers,
				now + settings->ready_timeout_ms / LATE, on_late);
		return;
	}
	become_ready(pool, process, true);
	if (timer_set(&process->limit, pool->pools->timers, now + SETTLING_MS, on_settled) < 0)
		process_settled(process);
}

static void on_executed(struct launch *launch)
{
	const struct child *child = launch->owner;
	struct process *process = child->owner;
	struct pool *pool = pool_of(process->pool);

	service_debug(process->launch.service,
		      "launch of the pool: executed '%s' as pid %ld after %lld us",
		      process->launch.service->program.path, (long)child->pid,
		      (long long)(clock_us() - child->started_us));
	end_launch(pool, process);
	pauses_note_plenty(pool);
	pool->handle.record->live++;
	child_log_start(child);
	if (process->state == PROCESS_STARTING)
		begin(pool, process);
}

static void note_not_started(const struct process *process, const struct spawn_failure *failure)
{
	const struct pool *pool = pool_of(process->pool);

	failures_note(pool->pools->failures, pool->handle.record, process->launch.service,
		      &(struct address){ 0 }, failure);
}

static void on_overdue(struct launch *launch, const struct spawn_failure *failure)
{
	const struct child *child = launch->owner;
	const struct process *process = child->owner;

	if (process->state != PROCESS_STARTING)
		return;
	note_not_started(process, failure);
	service_debug(process->launch.service,
		      "launch of the pool: took too long as pid %ld; pause before the next %lld ms",
		      (long)child->pid, (long long)launches_pause_ms(&child->record->launches));
}

static void after_not_started(struct pool *pool, const struct process *process,
			      const struct spawn_failure *failure)
{
	if (process->state == PROCESS_ENDING)
		return;
	if (spawn_may_retry(failure)) {
		pauses_note_shortage(pool, -failure->error);
		return;
	}
	pauses_note_plenty(pool);
	if (!failure->timed_out)
		note_not_started(process, failure);
	pool->asked = false;
	pauses_note_failure(pool, 0);
}

/* Frees the child. */
static void on_not_started(struct launch *launch, const struct spawn_failure *failure)
{
	struct child *child = launch->owner;
	struct process *process = child->owner;
	struct pool *pool = pool_of(pool_handle_ref(process->pool));

	service_debug(process->launch.service,
		      "launch of the pool: failed as pid %ld after %lld us: %s: %s",
		      (long)child->pid, (long long)(clock_us() - child->started_us),
		      spawn_step_text(failure->step), spawn_failure_reason(failure));
	after_not_started(pool, process, failure);
	end_launch(pool, process);
	process_remove(process);
	child_free(child);
	pool_unref(pool);
}

static const struct launch_events launch_events = {
	.executed = on_executed,
	.not_started = on_not_started,
	.overdue = on_overdue,
};

static void note_life(struct pool *pool, enum life life, int64_t lived_ms)
{
	switch (life) {
	case LIFE_FAILED:
		pauses_note_failure(pool, 0);
		break;
	case LIFE_MOMENTARY:
		pauses_note_moment(pool, lived_ms);
		break;
	case LIFE_SHORT:
		pauses_note_short_life(pool);
		break;
	case LIFE_FULL:
		pauses_note_full_life(pool, lived_ms);
		break;
	}
}

/* The process had their sockets. */
static void verify_listeners(const struct pool *pool)
{
	const struct service *service;

	if (pool->handle.passes || !pool_is_serving(pool))
		return;
	service = pool_service(pool);
	for (size_t i = 0; i < service->n_endpoints; i++)
		listener_table_verify(pool->generation->bound[service->first_endpoint + i]);
}

static void on_ended(struct child *child, int status, int64_t lived_us)
{
	struct process *process = child->owner;
	struct pool *pool;
	enum life life;

	if (child->launch && !launches_reaped(child->launch, status))
		return;
	pool = pool_of(pool_handle_ref(process->pool));
	/* It may have said that it is ready just before its end. */
	ready_look(&process->ready);
	life = life_of(process, pool->table, status, lived_us);

	child_log_end(child, status, lived_us);
	notices_gone(pool->pools->fronts, process, status);
	process_remove(process);
	child_free(child);
	pool->handle.record->live--;
	fronts_note_ended(pool->pools->fronts, pool->handle.record);

	verify_listeners(pool);
	note_life(pool, life, lived_us / 1000);
	pool_changed(pool);
	pool_unref(pool);
}

/* Starting */

static int start_failed(struct pool *pool, const struct spawn_failure *failure)
{
	if (spawn_may_retry(failure))
		return -failure->error;
	failures_note(pool->pools->failures, pool->handle.record, pool_service(pool),
		      &(struct address){ 0 }, failure);
	pool->asked = false;
	pauses_note_failure(pool, 0);
	return 0;
}

/*
 * Returns 1 when the process is being launched; 0 when the program cannot be started at all, which
 * is logged and counts as a failure; or a negative errno when the machine is short of something.
 */
static int start_one(struct pool *pool)
{
	struct spawn_failure failure;
	struct process *process;

	if (pool_start(pool, &launch_events, &process, &failure) < 0)
		return start_failed(pool, &failure);
	process->child->ended = on_ended;
	process->child->owner = process;
	process_add(process, &pool->processes);
	pool->launching = true;
	service_debug(pool_service(pool), "pool: starts pid %ld%s; %s", (long)process->child->pid,
		      pool->asked ? ", because clients wait" : "", pool_counts(pool));
	return 1;
}

struct process *pool_process_of(const struct child *child)
{
	return child->ended == on_ended ? child->owner : NULL;
}

static bool may_launch(const struct pool *pool)
{
	const struct launches *launches = pool->pools->launches;

	return launches_have_room(launches, LAUNCH_FOR_POOL) &&
	       launches_allow(launches, &pool->handle.record->launches);
}

/* One after the other: when one cannot be started, the next cannot either. */
static void start_missing(struct pool *pool)
{
	int r;

	if (pool->launching || !wants_more(pool))
		return;
	if (!may_launch(pool)) {
		list_unlink(&pool->waiting_link);
		list_add_before(&pool->pools->waiting, &pool->waiting_link);
		return;
	}
	r = start_one(pool);
	if (r < 0)
		pauses_note_shortage(pool, r);
	else if (r == 0)
		pauses_note_plenty(pool);
}

/* Changes */

void pool_end_superseded(const struct pool *pool)
{
	list_for_each(at, next, &pool->pools->list) {
		struct pool *other = container_of(at, struct pool, link);

		if (other->handle.record != pool->handle.record || other->state != POOL_SUPERSEDED)
			continue;
		other->state = POOL_CLOSED;
		list_for_each(of, following, &other->processes)
			process_end(container_of(of, struct process, link));
	}
}

void pool_open(struct pool *pool, struct generation *generation, size_t service)
{
	pool->state = POOL_OPEN;
	pool->generation = generation;
	pool->service = service;
	pool->handle.record->pool = &pool->handle;
	pool_changed(pool);
}

void pool_retire(struct pool *pool, enum pool_state state)
{
	timer_cancel(&pool->again);
	timer_cancel(&pool->sampling);
	pool->generation = NULL;
	pool->handle.record->pool = NULL;
	pool->state = state;
}

void pool_settle(struct pool *pool)
{
	if (!pool_is_serving(pool))
		return;
	start_missing(pool);
	if (pool->counts.ready >= pool_service(pool)->pool.min)
		pool_end_superseded(pool);
	surplus_watch(pool);
	if (!pool->owes_answer && pool->reported_ready == pool->counts.ready &&
	    pool->reported_may_grow == pool_may_grow(pool))
		return;
	pool->owes_answer = false;
	pool->reported_ready = pool->counts.ready;
	pool->reported_may_grow = pool_may_grow(pool);
	notices_pool(pool->pools->fronts, &pool->handle, pool->reported_ready,
		     pool->reported_may_grow);
}

void pool_grow(struct pool *pool)
{
	pool->asked = pool_may_grow(pool);
	pool->owes_answer = true;
	pool_changed(pool);
}

void pool_dismiss(struct pool *pool, unsigned index, pid_t pid)
{
	list_for_each(at, next, &pool->processes) {
		struct process *process = container_of(at, struct process, link);

		if (process->index == index && process->child->pid == pid) {
			process_end(process);
			if (pool_is_serving(pool))
				service_debug(pool_service(pool),
					      "pool: ends pid %ld, which has no client; %s",
					      (long)pid, pool_counts(pool));
			pool_changed(pool);
			return;
		}
	}
}
