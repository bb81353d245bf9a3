#include "keeper/reload.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/service/generation.h"

/* A name server that does not answer must not block the next reload. */
#define REHEARSAL_LIMIT_MS 30000

/*
 * A front that takes longer to stop accepting is stuck, or was taken over. The time has several
 * parts, so that a pause of the whole machine, by the end of which all timers are due, does not
 * count as all of it.
 */
#define HALT_STEP_MS 250
#define HALT_STEPS 4

#define START_LIMIT_MS 10000

void reload_init(struct reload *reload, const char *path, struct timers *timers,
		 struct fronts *fronts, const struct reload_steps *steps)
{
	*reload =
		(struct reload){ .path = path, .timers = timers, .fronts = fronts, .steps = steps };
}

void reload_fini(struct reload *reload)
{
	timer_cancel(&reload->limit);
	generation_unref(take_ptr(reload->next));
	reload->front = NULL;
	reload->rehearsing = 0;
	reload->state = RELOAD_NONE;
}

static void wait_for(struct reload *reload, enum reload_state state, int64_t limit_ms, timer_fn *fn)
{
	reload->state = state;
	(void)timer_set(&reload->limit, reload->timers, clock_ms() + limit_ms, fn);
}

static void finish(struct reload *reload, bool failed)
{
	reload_fini(reload);
	reload->failed = failed;
	reload->steps->finish(reload);
}

/* The reload has failed, and everything goes on as before. */
static void give_up(struct reload *reload)
{
	if (reload->fronts->current)
		front_resume(reload->fronts->current);
	reload->steps->stay(reload);
	finish(reload, true);
}

/* Rehearsing */

static void on_rehearsal_limit(struct timer *timer)
{
	struct reload *reload = container_of(timer, struct reload, limit);

	log_error(0, "loading '%s' takes longer than %d s; giving up", reload->path,
		  REHEARSAL_LIMIT_MS / 1000);
	reload->steps->end(reload->rehearsing);
}

void reload_begin(struct reload *reload)
{
	pid_t pid;

	if (reload->state != RELOAD_NONE) {
		reload->again = true;
		return;
	}
	pid = reload->steps->rehearse(reload);
	if (pid < 0) {
		give_up(reload);
		return;
	}
	reload->rehearsing = pid;
	wait_for(reload, RELOAD_REHEARSING, REHEARSAL_LIMIT_MS, on_rehearsal_limit);
}

void reload_remember(struct reload *reload)
{
	reload->again = true;
}

void reload_again(struct reload *reload)
{
	if (!reload->again)
		return;
	reload->again = false;
	reload_begin(reload);
}

/* Starting */

static void on_start_limit(struct timer *timer)
{
	struct reload *reload = container_of(timer, struct reload, limit);

	log_error(0, "the new front does not serve after %d s; ending it", START_LIMIT_MS / 1000);
	front_kill(reload->front);
}

static void start_front(struct reload *reload)
{
	if (reload->steps->start_front(reload, &reload->front) < 0) {
		reload->steps->go_back(reload);
		give_up(reload);
		return;
	}
	wait_for(reload, RELOAD_STARTING, START_LIMIT_MS, on_start_limit);
}

/* A front that has not halted may send requests of services that are removed, so it must go. */
static void evict(const struct reload *reload)
{
	const struct front *front = reload->fronts->current;

	log_error(0, "the old front (pid %ld) does not stop accepting clients; ending it",
		  (long)front->pid);
	front_kill(reload->fronts->current);
}

static void on_halt_step(struct timer *timer)
{
	struct reload *reload = container_of(timer, struct reload, limit);

	if (++reload->halt_steps == HALT_STEPS)
		evict(reload);
	if (reload->halt_steps < 2 * HALT_STEPS) {
		wait_for(reload, RELOAD_HALTING, HALT_STEP_MS, on_halt_step);
		return;
	}
	/* It waits in the kernel, for a file system perhaps. */
	log_warning(0, "the old front (pid %ld) does not end; going on without it",
		    (long)reload->fronts->current->pid);
	start_front(reload);
}

static void halt_front(struct reload *reload)
{
	struct front *front = reload->fronts->current;

	/* Between a crash and the next front there is no front to stop. */
	if (!front) {
		start_front(reload);
		return;
	}
	reload->steps->leave(reload, front);
	front_halt(front);
	reload->halt_steps = 0;
	wait_for(reload, RELOAD_HALTING, HALT_STEP_MS, on_halt_step);
}

bool reload_reaped(struct reload *reload, pid_t pid, int status)
{
	if (reload->rehearsing == 0 || pid != reload->rehearsing)
		return false;
	timer_cancel(&reload->limit);
	reload->rehearsing = 0;
	if (reload->state != RELOAD_REHEARSING)
		return true;
	if (reload->steps->prepare(reload, status, &reload->next) < 0)
		give_up(reload);
	else
		halt_front(reload);
	return true;
}

/* The end */

/* The new front serves. From here on nothing can fail. */
static void serve(struct reload *reload)
{
	struct front *old = reload->fronts->current;

	if (old) {
		front_drain(old, 0);
		front_retire(old);
	}
	reload->fronts->current = reload->front;
	reload->steps->serve(reload, take_ptr(reload->next));
	finish(reload, false);
}

void reload_settle(struct reload *reload)
{
	const struct front *current = reload->fronts->current;

	if (reload->state == RELOAD_HALTING && (!current || current->state == FRONT_HALTED))
		start_front(reload);
	else if (reload->state == RELOAD_STARTING && reload->front->state == FRONT_SERVING)
		serve(reload);
}

void reload_lost_front(struct reload *reload, const struct front *front)
{
	if (reload->state != RELOAD_STARTING || front != reload->front)
		return;
	reload->steps->go_back(reload);
	give_up(reload);
}

void reload_abort(struct reload *reload)
{
	reload->again = false;
	if (reload->state == RELOAD_REHEARSING)
		reload->steps->end(reload->rehearsing);
	if (reload->state == RELOAD_STARTING)
		front_kill(reload->front);
	timer_cancel(&reload->limit);
	reload->state = RELOAD_NONE;
}
