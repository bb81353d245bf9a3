#include "keeper/keeper.h"

#include <errno.h>
#include <sysexits.h>

#include "base/bounded.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/child/front-requests.h"
#include "keeper/front-message.h"
#include "keeper/fronts/front.h"
#include "keeper/listen/activation.h"
#include "keeper/log-target.h"
#include "keeper/notify.h"
#include "keeper/pool/pools.h"
#include "keeper/reload-steps.h"
#include "keeper/report.h"
#include "keeper/service/generation.h"
#include "keeper/startup.h"
#include "keeper/stop.h"
#include "net/closer.h"

#define RESTART_FIRST_MS 50
#define RESTART_MAX_MS 10000

/* The pause before a front is started again, if processes or descriptors are short. */
#define START_AGAIN_MS 250

/* When a front that has lived this long crashes, the next one starts at once. */
#define RESTART_CALM_MS 10000

static void finish(struct keeper *keeper, int status)
{
	keeper->done = true;
	keeper->exit_status = status;
}

/* Fronts that come and go */

static void start_front(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, restart);
	int r;

	r = front_start(keeper, keeper->generation, &keeper->fronts.current);
	if (r < 0 && !keeper->start_failed)
		log_error(r, "cannot start the front");
	keeper->start_failed = r < 0;
	if (r == 0 && keeper->served)
		watchdog_expect(&keeper->watchdog);
	if (r < 0 && keeper->served)
		(void)timer_set(timer, keeper->timers, clock_ms() + START_AGAIN_MS, start_front);
	else if (r < 0)
		finish(keeper, EX_OSERR);
}

/* After a crash. The first attempt is at once. */
static void restart_front(struct keeper *keeper)
{
	int64_t pause_ms = keeper->restart_pause.pause_ms;

	if (keeper->fronts.current || keeper->stopping || !keeper->served ||
	    keeper->reload.state == RELOAD_STARTING || timer_is_set(&keeper->restart))
		return;
	(void)backoff_next(&keeper->restart_pause, RESTART_FIRST_MS, RESTART_MAX_MS);
	(void)timer_set(&keeper->restart, keeper->timers, clock_ms() + pause_ms, start_front);
}

static void note_serving(struct keeper *keeper)
{
	const struct front *front = keeper->fronts.current;

	if (!front || front->state != FRONT_SERVING || front == keeper->serving)
		return;
	keeper->serving = front;
	watchdog_relax(&keeper->watchdog);
	if (keeper->served) {
		log_info("the new front serves");
		return;
	}
	keeper->served = true;
	/* Nobody waits for superd before. */
	bounded_enable(true);
	generation_settle(keeper->generation, true);
	report_loaded(keeper->generation);
	pid_file_publish(&keeper->pid_file);
	notify_ready(report_status(keeper));
	keeper->options->serving();
	pools_follow(&keeper->pools, keeper->generation);
	reload_again(&keeper->reload);
}

static void on_gone(struct front *front)
{
	struct keeper *keeper = container_of(front->fronts, struct keeper, fronts);

	if (keeper->serving == front)
		keeper->serving = NULL;
	if (keeper->stopping)
		return;
	if (!keeper->served) {
		log_error(0, "the front did not start; see the lines before");
		finish(keeper, EX_OSERR);
		return;
	}
	/* It had all sockets. Also a front that ends as it is told may have been taken over. */
	listener_table_verify_all(&keeper->listener_table);
	reload_lost_front(&keeper->reload, front);
	/* The end of an older front says nothing about crashes. */
	if (!keeper->fronts.current && !timer_is_set(&keeper->restart) &&
	    clock_ms() - front->started_ms > RESTART_CALM_MS)
		backoff_reset(&keeper->restart_pause);
	pools_lost_front(&keeper->pools);
	/* A draining front has counted its sessions under the old numbers. */
	keeper->records.stale = true;
}

/* What the parts tell */

static int on_message(struct front *front, const struct channel_message *message, int fd)
{
	return front_message(container_of(front->fronts, struct keeper, fronts), front, message,
			     fd);
}

static void on_short(struct fronts *fronts, int error)
{
	requests_note_short(&container_of(fronts, struct keeper, fronts)->requests, error);
}

static const struct fronts_events fronts_events = {
	.on_message = on_message,
	.on_short = on_short,
	.on_gone = on_gone,
};

/* A listener is bound that could not be bound before. The fronts do not have it yet. */
static void on_bound(struct bound_listener *bound)
{
	struct keeper *keeper = container_of(bound->listener_table, struct keeper, listener_table);

	fronts_lend_listener(&keeper->fronts, bound);
	if (keeper->served)
		notify_status(report_status(keeper));
	pools_on_bound(&keeper->pools, bound);
}

static struct keeper *signalled(struct signals *signals)
{
	return container_of(signals, struct keeper, signals);
}

static void on_reaped(struct signals *signals, pid_t pid, int status)
{
	struct keeper *keeper = signalled(signals);
	struct front *front;

	if (children_reaped(&keeper->children, pid, status))
		return;
	front = fronts_find(&keeper->fronts, pid);
	if (front)
		front_reaped(front, status);
	else if (log_target_reaped(pid))
		(void)log_target_open(keeper->generation->settings, keeper->options->foreground,
				      &keeper->fronts);
	else
		(void)reload_reaped(&keeper->reload, pid, status);
}

static void on_reload(struct signals *signals, pid_t asker, bool again)
{
	struct keeper *keeper = signalled(signals);

	if (keeper->stopping || (again && reload_askers_have(&keeper->askers, asker)))
		return;
	if (asker > 0)
		reload_askers_add(&keeper->askers, asker,
				  keeper->reload.state != RELOAD_NONE || keeper->reloaded);
	if (keeper->served)
		reload_begin(&keeper->reload);
	else
		reload_remember(&keeper->reload);
}

static void on_report(struct signals *signals)
{
	report_state(signalled(signals));
}

static void on_stop(struct signals *signals, int number)
{
	stop_begin(signalled(signals), number);
}

static const struct signals_events signals_events = {
	.on_reaped = on_reaped,
	.on_reload = on_reload,
	.on_report = on_report,
	.on_stop = on_stop,
};

/* The end of a turn */

/* Closes everything that no generation needs any more. */
static void sweep(struct keeper *keeper)
{
	unread_sweep(&keeper->requests.unread);
	children_forget_listeners(&keeper->children);
	listener_table_sweep(&keeper->listener_table);
	/* A draining front still counts its sessions under the old numbers. */
	if (keeper->fronts.list.next == keeper->fronts.list.previous)
		service_records_sweep(&keeper->records);
	keeper->records.stale = false;
}

static void note_reload(struct keeper *keeper)
{
	keeper->reloaded = false;
	activation_warn(keeper->listener_table.activation);
	notify_ready(report_status(keeper));
	reload_askers_answer(&keeper->askers, keeper->reload.failed);
	reload_again(&keeper->reload);
}

/*
 * What follows from the events of a turn. A step may cause work for the steps below it, and for no
 * other: a launch that is over makes room for the next, a front that ended decides a reload, a
 * reload decides which front serves, and that decides which records and pools are needed. The
 * fronts are told last, when the counts are final.
 */
static void end_turn(struct keeper *keeper)
{
	launches_look(&keeper->launches);
	requests_continue(&keeper->requests);
	fronts_forget_ended(&keeper->fronts);
	reload_settle(&keeper->reload);
	note_serving(keeper);
	restart_front(keeper);
	if (keeper->records.stale)
		sweep(keeper);
	/* It may begin another reload, which fails at once. */
	while (keeper->reloaded)
		note_reload(keeper);
	pools_settle(&keeper->pools);
	fronts_tell_ended(&keeper->fronts);
	if (stop_is_over(keeper))
		finish(keeper, EX_OK);
}

void keeper_turn(struct keeper *keeper, int wait_ms)
{
	int r;

	r = poller_run(keeper->poller, wait_ms);
	if (r < 0)
		log_error(r, "cannot wait for events");
	timers_run(keeper->timers, clock_ms());
	end_turn(keeper);
}

/* Life */

static void free_shared(struct keeper *keeper)
{
	stats_free(keeper->stats);
	timers_free(keeper->timers);
	poller_free(keeper->poller);
}

/* Opens everything whose opening may fail. */
static int open_shared(struct keeper *keeper)
{
	int r;

	r = timers_new(&keeper->timers);
	if (r < 0)
		return r;
	r = poller_new(&keeper->poller, POLLER_AUTO);
	if (r < 0)
		return r;
	keeper->stats = stats_new();
	if (!keeper->stats)
		return -ENOMEM;
	r = log_share_count();
	if (r < 0)
		return r;
	return signals_init(&keeper->signals, keeper->poller, &signals_events);
}

static void init_pools(struct keeper *keeper)
{
	keeper->pools = (struct pools){
		.timers = keeper->timers,
		.poller = keeper->poller,
		.launches = &keeper->launches,
		.children = &keeper->children,
		.failures = &keeper->failures,
		.fronts = &keeper->fronts,
		.reserve = &keeper->reserve,
	};
	pools_init(&keeper->pools);
}

int keeper_init(struct keeper *keeper, const struct keeper_options *options,
		struct activation *activation)
{
	int r;

	*keeper = (struct keeper){ .options = options };
	pid_file_init(&keeper->pid_file);
	r = open_shared(keeper);
	if (r < 0) {
		free_shared(keeper);
		return r;
	}
	listener_table_init(&keeper->listener_table, keeper->timers, activation, on_bound);
	closer_init(keeper->timers);
	notify_init(keeper->timers);
	reserve_fd_init(&keeper->reserve, keeper->signals.fd);
	fronts_init(&keeper->fronts, keeper->poller, &keeper->reserve, &keeper->records,
		    &fronts_events);
	children_init(&keeper->children);
	failures_init(&keeper->failures, keeper->timers, keeper->stats, &keeper->records);
	launches_init(&keeper->launches, keeper->timers);
	requests_init(&keeper->requests, keeper->timers, &keeper->fronts, &keeper->reserve,
		      &keeper->launches, &keeper->children, &keeper->failures, keeper->stats);
	init_pools(keeper);
	reload_init(&keeper->reload, keeper->options->path, keeper->timers, &keeper->fronts,
		    &reload_steps);
	watchdog_init(&keeper->watchdog, keeper->timers, &keeper->fronts, keeper->stats);
	return 0;
}

void keeper_fini(struct keeper *keeper)
{
	watchdog_fini(&keeper->watchdog);
	failures_fini(&keeper->failures);
	requests_fini(&keeper->requests);
	pools_end(&keeper->pools);
	pools_fini(&keeper->pools);
	fronts_fini(&keeper->fronts);
	reload_fini(&keeper->reload);
	rehearsal_fini(&keeper->rehearsal);
	generation_unref(keeper->generation);
	children_fini(&keeper->children);
	launches_fini(&keeper->launches);
	listener_table_sweep(&keeper->listener_table);
	service_records_fini(&keeper->records);
	reserve_fd_fini(&keeper->reserve);
	signals_fini(&keeper->signals);
	closer_fini();
	notify_fini();
	free_shared(keeper);
	pid_file_fini(&keeper->pid_file);
}

/*
 * Opens the listeners. One that is open is enough: the others are tried again. Returns 0, or a
 * logged negative errno.
 */
static int open_listeners(struct keeper *keeper, struct settings *settings)
{
	size_t n = settings->n_endpoints;
	bool serves;
	int r;

	listener_table_begin_start(&keeper->listener_table);
	r = generation_new(&keeper->generation, settings, &keeper->listener_table, &keeper->records,
			   &keeper->options->descriptors);
	serves = r == 0 && (n == 0 || generation_count_open(keeper->generation) > 0);
	listener_table_started(&keeper->listener_table, serves);
	if (r < 0 || serves)
		return r;
	if (n == 1)
		log_error(0, "not started: its listener cannot be opened");
	else
		log_error(0, "not started: none of %zu listeners can be opened", n);
	return -EADDRINUSE;
}

/* Puts @settings into force, and starts the first front. Returns 0, or a logged negative errno. */
static int start(struct keeper *keeper, struct settings *settings)
{
	int r;

	r = log_target_open(settings, keeper->options->foreground, &keeper->fronts);
	if (r == 0)
		r = pid_file_prepare(&keeper->pid_file, settings->pid_file);
	if (r < 0) {
		settings_free(settings);
		return r;
	}
	r = open_listeners(keeper, settings);
	if (r < 0)
		return r;
	r = launches_make_room(&keeper->launches, generation_text_size(keeper->generation));
	if (r == 0)
		r = pools_take(&keeper->pools, keeper->generation);
	if (r < 0)
		return log_error(r, "cannot prepare the services");

	activation_warn(keeper->listener_table.activation);
	start_front(&keeper->restart);
	watchdog_start(&keeper->watchdog);
	return 0;
}

static int exit_status(int error)
{
	/* Of the pid file. */
	if (error == -EEXIST)
		return EX_CANTCREAT;
	return error == -EACCES || error == -EPERM ? EX_NOPERM : EX_OSERR;
}

static int serve(struct keeper *keeper, struct settings *settings)
{
	int r = start(keeper, settings);

	if (r < 0)
		finish(keeper, exit_status(r));
	while (!keeper->done)
		keeper_turn(keeper, timers_wait_ms(keeper->timers, clock_ms()));
	return keeper->exit_status;
}

int keeper_run(const struct keeper_options *options, struct settings *settings,
	       struct activation *activation)
{
	struct keeper keeper;
	int r, status;

	r = keeper_init(&keeper, options, activation);
	if (r < 0) {
		settings_free(settings);
		status = exit_status(log_error(r, "cannot start"));
	} else {
		status = serve(&keeper, settings);
		keeper_fini(&keeper);
	}
	log_target_close();
	activation_close(activation);
	return status;
}
