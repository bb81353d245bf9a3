/*
 * A reload, step by step, each waiting for one event and none of them blocking:
 *
 *   read the files → a child rehearses them → parse, open new listeners →
 *   the old front stops accepting → fork the new one → it serves → the old one drains
 *
 * Until the last step everything can be taken back, and a failure does just that.
 * The old front stops before the new one is forked, so that the new one is born
 * with the true number of children and no limit is exceeded between the two.
 */

#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "config/sources.h"
#include "keeper/pool/pool-reload.h"
#include "keeper/fronts/front.h"
#include "keeper/notify.h"
#include "keeper/startup.h"
#include "keeper/state.h"

/* A name server that does not answer must not hold up the next attempt. */
#define REHEARSAL_LIMIT_MS 30000

/* A front that takes longer to answer is stuck; it is replaced all the same. */
#define HALT_LIMIT_MS 2000
#define START_LIMIT_MS 10000

static void set_limit(struct keeper *keeper, int64_t ms, timer_fn *fn)
{
	(void)timer_set(&keeper->reload.limit, keeper->timers, clock_ms() + ms, fn);
}

void reload_fini(struct keeper *keeper)
{
	struct reload *reload = &keeper->reload;

	timer_cancel(&reload->limit);
	rehearsal_fini(&reload->rehearsal);
	reload->rehearsal = (struct rehearsal){ 0 };
	sources_free(take_ptr(reload->sources));
	generation_unref(take_ptr(reload->next));
	reload->front = NULL;
}

void reload_again(struct keeper *keeper)
{
	if (!keeper->reload.again)
		return;
	keeper->reload.again = false;
	reload_begin(keeper);
}

static void finish(struct keeper *keeper)
{
	reload_fini(keeper);
	keeper->reload.state = RELOAD_NONE;
	keeper_sweep(keeper);
	activation_warn(keeper->listener_table.activation);
	notify_ready(keeper_status(keeper));
	reload_again(keeper);
}

/* Everything goes on as before. */
static void give_up(struct keeper *keeper)
{
	if (keeper->fronts.current && front_resume(keeper->fronts.current))
		unread_pass_all(&keeper->requests.unread);
	pools_take_back_leave(&keeper->pools);
	log_error(0, "configuration not changed: '%s' could not be applied", keeper->options->path);
	notify_error(-EINVAL);
	keeper->reload.failed = true;
	finish(keeper);
}

static void on_rehearsal_limit(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, reload.limit);

	log_error(0, "loading '%s' takes longer than %d s; giving up", keeper->options->path,
		  REHEARSAL_LIMIT_MS / 1000);
	kill(keeper->reload.rehearsal.pid, SIGKILL);
}

static struct load_options options_of(const struct keeper *keeper)
{
	return (struct load_options){
		.port_base = keeper->options->port_base,
		.privileged = keeper->options->privileged,
	};
}

void reload_begin(struct keeper *keeper)
{
	struct reload *reload = &keeper->reload;
	const struct load_options options = options_of(keeper);
	int r;

	if (reload->state != RELOAD_NONE || !keeper->served) {
		reload->again = true;
		return;
	}

	notify_reloading();
	(void)reserve_fd_release(&keeper->reserve);
	keeper_reopen_log(keeper);
	log_info("loading '%s'", keeper->options->path);
	r = sources_read(&reload->sources, keeper->options->path);
	shortage_restore_reserve(&keeper->requests.shortage);
	if (r >= 0) {
		r = rehearsal_start(&reload->rehearsal, reload->sources, &options);
		if (r < 0)
			log_error(r, "cannot start a process to try '%s'", keeper->options->path);
	}
	if (r < 0) {
		give_up(keeper);
		return;
	}
	reload->state = RELOAD_REHEARSING;
	set_limit(keeper, REHEARSAL_LIMIT_MS, on_rehearsal_limit);
}

static int apply_sources(struct keeper *keeper)
{
	struct reload *reload = &keeper->reload;
	const struct load_options options = options_of(keeper);
	struct settings *settings;
	int r;

	r = settings_parse(&settings, reload->sources, reload->rehearsal.hosts, &options);
	if (r < 0)
		return r;
	r = generation_new(&reload->next, settings, &keeper->listener_table, &keeper->records,
			   &keeper->options->descriptors);
	if (r < 0)
		return r;
	r = pools_take(&keeper->pools, reload->next);
	if (r < 0)
		return log_error(r, "cannot prepare the services");
	return keeper_open_log(keeper, reload->next->settings);
}

static void start_front(struct keeper *keeper);

static void on_halt_limit(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, reload.limit);

	log_warning(0, "the old front does not answer; going on without it");
	start_front(keeper);
}

void reload_rehearsed(struct keeper *keeper, int status)
{
	struct reload *reload = &keeper->reload;

	timer_cancel(&reload->limit);
	reload->rehearsal.pid = 0;
	if (rehearsal_result(&reload->rehearsal, status) < 0 || apply_sources(keeper) < 0) {
		give_up(keeper);
		return;
	}

	/* Between a crash and the next front there is nobody to stop. */
	if (!keeper->fronts.current) {
		start_front(keeper);
		return;
	}
	reload->state = RELOAD_HALTING;
	pools_tell_leave(&keeper->pools, keeper->fronts.current, reload->next);
	front_halt(keeper->fronts.current);
	set_limit(keeper, HALT_LIMIT_MS, on_halt_limit);
}

void reload_halted(struct keeper *keeper)
{
	if (keeper->reload.state == RELOAD_HALTING)
		start_front(keeper);
}

static void on_start_limit(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, reload.limit);

	log_error(0, "the new front does not serve after %d s; ending it", START_LIMIT_MS / 1000);
	front_kill(keeper->reload.front);
}

/* What a generation that never served has set and opened. */
static void go_back(struct keeper *keeper)
{
	(void)keeper_open_log(keeper, keeper->generation->settings);
	generation_apply(keeper->generation);
	generation_settle(keeper->generation, false);
}

static void start_front(struct keeper *keeper)
{
	struct reload *reload = &keeper->reload;
	int r;

	generation_apply(reload->next);
	r = front_start(keeper, reload->next, &reload->front);
	if (r < 0) {
		log_error(r, "cannot start a new front");
		go_back(keeper);
		give_up(keeper);
		return;
	}
	/* Only now: if there was no front, it would have brought one. */
	timer_cancel(&keeper->restart);
	reload->state = RELOAD_STARTING;
	set_limit(keeper, START_LIMIT_MS, on_start_limit);
}

/* From here on there is no way back, and no need of one. */
void reload_front_ready(struct keeper *keeper)
{
	struct reload *reload = &keeper->reload;
	struct front *old = keeper->fronts.current;
	struct generation *previous = keeper->generation;

	if (old) {
		bool halted = old->state == FRONT_HALTED;

		front_drain(old, 0);
		/* One that never answered may have clients on the way yet. */
		if (halted)
			front_retire(old);
	}
	keeper->fronts.current = reload->front;
	keeper->restart_pause_ms = 0;
	keeper->generation = take_ptr(reload->next);
	generation_settle(keeper->generation, true);
	pools_follow(&keeper->pools, keeper->generation);
	generation_unref(previous);
	keeper_say_loaded(keeper);
	reload->failed = false;
	finish(keeper);
}

void reload_front_died(struct keeper *keeper, struct front *front)
{
	struct reload *reload = &keeper->reload;

	if (reload->state == RELOAD_STARTING && front == reload->front) {
		go_back(keeper);
		give_up(keeper);
	} else if (reload->state == RELOAD_HALTING && !keeper->fronts.current) {
		start_front(keeper);
	}
}

void reload_abort(struct keeper *keeper)
{
	struct reload *reload = &keeper->reload;

	reload->again = false;
	if (reload->state == RELOAD_REHEARSING)
		kill(reload->rehearsal.pid, SIGKILL);
	if (reload->state == RELOAD_STARTING)
		front_kill(reload->front);
	timer_cancel(&reload->limit);
}
