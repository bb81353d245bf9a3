#include "keeper/pool/process.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child/child-log.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pool.h"
#include "keeper/fronts/channel.h"
#include "keeper/state.h"

/* A program that does not say when it is ready is given this long to come to its first client. */
#define FRESH_MS 100

void process_free(struct process *process)
{
	if (!process)
		return;
	timer_cancel(&process->limit);
	process_hang_up(process);
	list_unlink(&process->link);
	pool_unref(process->pool);
	free(process);
}

static bool is_free(const struct pool *pool, unsigned place)
{
	list_for_each(at, next, &pool->processes)
		if (container_of(at, struct process, link)->place == place)
			return false;
	return true;
}

/* The one that has been free for longest: the fronts have heard of who was there before. */
static void take_place(struct process *process)
{
	struct pool *pool = process->pool;
	unsigned n = pool->table->n_processes;

	while (!is_free(pool, pool->place % n))
		pool->place++;
	process->place = pool->place++ % n;
}

struct process *process_new(struct pool *pool, struct child *child)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	list_init(&process->link);
	process->fd = -1;
	process->child = child;
	process->pool = pool_ref(pool);
	if (pool->table)
		take_place(process);
	return process;
}

static void on_limit(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, limit);
	struct pool *pool = process->pool;
	const struct service *service;
	int64_t limit_ms;

	if (process->late) {
		/* It has no client: nothing is lost with it. */
		kill(process->child->pid, SIGKILL);
		return;
	}
	service = pool_service(pool);
	limit_ms = service->pool.ready_timeout_ms;
	log_service(LOG_WARNING, service->name, 0,
		    "'%s' (pid %ld) was not ready after %lld s; ending it",
		    service->program.argv[0], (long)process->child->pid,
		    (long long)limit_ms / 1000);
	process_end(process);
	process->late = true;
	(void)timer_set(timer, pool->keeper->timers, clock_ms() + limit_ms, on_limit);
	pool_settle(pool);
}

static void lose_freshness(struct process *process)
{
	process->pool->n_fresh -= process->fresh;
	process->fresh = false;
}

static void on_settled(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, limit);

	lose_freshness(process);
	if (!process->pool->handle.passes)
		pool_look_at(process->pool, process);
	pool_settle(process->pool);
}

static void become_ready(struct process *process)
{
	struct pool *pool = process->pool;

	timer_cancel(&process->limit);
	process->state = PROCESS_READY;
	pool->n_starting--;
	pool->n_ready++;
	if (!pool->handle.passes)
		return;
	pool_tell_process(process);
	process->was_ready = true;
}

static void be_fresh(struct process *process)
{
	struct pool *pool = process->pool;
	int64_t until_ms = clock_ms() + FRESH_MS;

	become_ready(process);
	if (timer_set(&process->limit, pool->keeper->timers, until_ms, on_settled) == 0) {
		process->fresh = true;
		pool->n_fresh++;
	}
}

void process_enlist(struct process *process)
{
	struct pool *pool = process->pool;
	const struct pool_settings *settings = &pool_service(pool)->pool;

	list_add_before(&pool->processes, &process->link);
	pool->n_starting++;
	pool->asked = false;
	pool->record->live++;
	log_started(process->child);
	if (settings->ready_notify)
		(void)timer_set(&process->limit, pool->keeper->timers,
				clock_ms() + settings->ready_timeout_ms, on_limit);
	else
		be_fresh(process);
}

void process_ready(struct process *process)
{
	if (process->state != PROCESS_STARTING)
		return;
	become_ready(process);
	pool_settle(process->pool);
}

void process_hang_up(struct process *process)
{
	if (process->fd >= 0)
		close(take_fd(process->fd));
}

void process_end(struct process *process)
{
	struct pool *pool = process->pool;

	if (process->state == PROCESS_ENDING)
		return;
	timer_cancel(&process->limit);
	lose_freshness(process);
	if (process->state == PROCESS_STARTING)
		pool->n_starting--;
	else
		pool->n_ready--;
	pool->n_ending++;
	process->state = PROCESS_ENDING;
	process_hang_up(process);
	kill(process->child->pid, SIGTERM);
}

static bool ended_at_once(const struct process *process, int64_t lived_us)
{
	if (process->state == PROCESS_ENDING)
		return process->late;
	return process->state == PROCESS_STARTING || lived_us < RESPAWN_QUICK_MS * 1000;
}

void process_ended(struct process *process, int status, int64_t lived_us)
{
	struct pool *pool = pool_ref(process->pool);
	bool quick = ended_at_once(process, lived_us);

	if (process->was_ready)
		pool_tell_gone(process, status);
	lose_freshness(process);
	switch (process->state) {
	case PROCESS_STARTING:
		pool->n_starting--;
		break;
	case PROCESS_READY:
		pool->n_ready--;
		break;
	case PROCESS_ENDING:
		pool->n_ending--;
		break;
	}
	pool->record->live--;
	fronts_note_ended(&pool->keeper->fronts, pool->record);
	process_free(process);

	if (quick)
		pool_note_quick_death(pool);
	else if (lived_us >= RESPAWN_CALM_MS * 1000)
		respawn_calm(&pool->respawn);
	pool_settle(pool);
	pool_unref(pool);
}
