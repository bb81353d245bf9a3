#include "keeper/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/stats.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/pool/pool-reload.h"
#include "keeper/pool/pools.h"
#include "keeper/fronts/front.h"
#include "keeper/listen/activation.h"
#include "keeper/notify.h"
#include "keeper/front-messages.h"
#include "keeper/startup.h"
#include "keeper/state.h"

#define RESTART_FIRST_MS 50
#define RESTART_MAX_MS 10000

/* Where there is no process or descriptor for it: soon after there is one again. */
#define START_AGAIN_MS 250

/* A front that served so long has not crashed because of how it was born. */
#define RESTART_CALM_MS 10000

static void finish(struct keeper *keeper, int status)
{
	keeper->done = true;
	keeper->exit_status = status;
}

/* Fronts */

static void start_front(struct timer *timer);

static void restart_later(struct keeper *keeper)
{
	int64_t pause = keeper->restart_pause_ms;

	keeper->restart_pause_ms = pause ? pause * 2 : RESTART_FIRST_MS;
	if (keeper->restart_pause_ms > RESTART_MAX_MS)
		keeper->restart_pause_ms = RESTART_MAX_MS;
	(void)timer_set(&keeper->restart, keeper->timers, clock_ms() + pause, start_front);
}

static void start_front(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, restart);
	int r;

	r = front_start(keeper, keeper->generation, &keeper->fronts.current);
	if (r < 0 && !keeper->start_failed)
		log_error(r, "cannot start the front");
	keeper->start_failed = r < 0;
	if (r < 0 && keeper->served)
		(void)timer_set(timer, keeper->timers, clock_ms() + START_AGAIN_MS, start_front);
	else if (r < 0)
		finish(keeper, EX_OSERR);
}

void keeper_front_ready(struct keeper *keeper, struct front *front)
{
	if (front == keeper->reload.front) {
		reload_front_ready(keeper);
		return;
	}
	if (keeper->served) {
		log_info("the new front serves");
		return;
	}
	keeper->served = true;
	generation_settle(keeper->generation, true);
	keeper_say_loaded(keeper);
	notify_ready(keeper_status(keeper));
	keeper->options->serving();
	pools_follow(&keeper->pools, keeper->generation);
	reload_again(keeper);
}

void keeper_stop_if_over(struct keeper *keeper)
{
	if (keeper->stopping && !list_is_linked(&keeper->fronts.list) &&
	    !shortage_has_waiting(&keeper->requests.shortage))
		finish(keeper, EX_OK);
}

static void on_gone(struct front *front)
{
	struct keeper *keeper = container_of(front->fronts, struct keeper, fronts);

	if (keeper->stopping) {
		keeper_stop_if_over(keeper);
		return;
	}
	if (!keeper->served) {
		log_error(0, "the front did not start; see the lines before");
		finish(keeper, EX_OSERR);
		return;
	}
	if (keeper->reload.state != RELOAD_NONE)
		reload_front_died(keeper, front);
	if (!keeper->fronts.current && keeper->reload.state != RELOAD_STARTING &&
	    !timer_is_set(&keeper->restart)) {
		if (clock_ms() - front->started_ms > RESTART_CALM_MS)
			keeper->restart_pause_ms = 0;
		restart_later(keeper);
	}
	pools_lost_front(&keeper->pools);
	keeper_sweep(keeper);
}

static void on_lost(struct front *front, const struct channel_message *message)
{
	requests_lose(&container_of(front->fronts, struct keeper, fronts)->requests, front,
		      message);
}

static void on_short(struct fronts *fronts, int error)
{
	shortage_begin(&container_of(fronts, struct keeper, fronts)->requests.shortage, error);
}

static const struct fronts_events fronts_events = {
	.on_message = front_messages_handle,
	.on_lost = on_lost,
	.on_short = on_short,
	.on_gone = on_gone,
};

/* A listener that was busy elsewhere is bound at last: the fronts do not have it yet. */
static void on_bound(struct bound_listener *bound)
{
	struct keeper *keeper = container_of(bound->listener_table, struct keeper, listener_table);

	list_for_each(at, next, &keeper->fronts.list) {
		struct front *front = container_of(at, struct front, link);

		if (!front_counts(front))
			continue;
		for (size_t i = 0; i < front->generation->settings->n_endpoints; i++)
			if (front->generation->bound[i] == bound)
				front_lend_sockets(front, (uint32_t)i);
	}
	if (keeper->served)
		notify_status(keeper_status(keeper));
	pools_on_bound(&keeper->pools);
}

void keeper_sweep(struct keeper *keeper)
{
	unread_sweep(&keeper->requests.unread);
	children_forget_listeners(&keeper->children);
	listener_table_sweep(&keeper->listener_table);
	/* A draining front still counts its sessions under the old numbers. */
	if (keeper->fronts.list.next == keeper->fronts.list.previous)
		service_records_sweep(&keeper->records);
}

void keeper_abandon(struct keeper *keeper, const struct generation *generation)
{
	requests_abandon(&keeper->requests);
	for (struct service_record *at = keeper->records.by_name; at; at = at->hh.next)
		if (at->stderr_write >= 0)
			close(at->stderr_write);
	reserve_fd_fini(&keeper->reserve);
	activation_close(keeper->listener_table.activation);
	listener_table_abandon(&keeper->listener_table, generation->bound, generation->n_bound);
	pools_abandon(&keeper->pools, generation);
	close(keeper->signal_fd);
	poller_free(keeper->poller);
}

/* Watchdog */

/* Real progress is an answer of the front: both loops turned since the last time. */
static void on_watchdog(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, watchdog);
	struct front *front = keeper->fronts.current;

	if (front && front->ping_pending) {
		log_error(0, "the front (pid %ld) does not answer; ending it", (long)front->pid);
		front_kill(front);
	} else {
		notify_watchdog();
	}
	if (front)
		front_ping(front);
	(void)timer_set(timer, keeper->timers, clock_ms() + keeper->watchdog_ms / 3, on_watchdog);
}

/* Life */

void keeper_init_pools(struct keeper *keeper)
{
	keeper->pools = (struct pools){
		.children = &keeper->children,
		.fronts = &keeper->fronts,
		.reserve = &keeper->reserve,
		.failures = &keeper->failures,
	};
	pools_init(&keeper->pools);
}

static int open_keeper(struct keeper *keeper)
{
	int r;

	r = timers_new(&keeper->timers);
	if (r < 0)
		return r;
	r = poller_new(&keeper->poller, POLLER_AUTO);
	if (r < 0)
		return r;
	keeper->pools.timers = keeper->timers;
	keeper->pools.poller = keeper->poller;
	r = signals_open(keeper);
	if (r < 0)
		return r;
	reserve_fd_init(&keeper->reserve, keeper->signal_fd);
	fronts_init(&keeper->fronts, keeper->poller, &keeper->reserve, &keeper->records,
		    &fronts_events);
	r = log_share_count();
	if (r < 0)
		return r;
	keeper->stats = stats_new();
	if (!keeper->stats)
		return -ENOMEM;
	failures_init(&keeper->failures, keeper->timers, keeper->stats, &keeper->records);
	requests_init(&keeper->requests, keeper->timers, &keeper->fronts, &keeper->reserve,
		      &keeper->children, &keeper->failures, keeper->stats);
	return 0;
}

static void close_keeper(struct keeper *keeper)
{
	failures_fini(&keeper->failures);
	requests_fini(&keeper->requests);
	pools_end(&keeper->pools);
	pools_fini(&keeper->pools);
	fronts_fini(&keeper->fronts);
	reload_fini(keeper);
	generation_unref(keeper->generation);
	children_fini(&keeper->children);
	listener_table_sweep(&keeper->listener_table);
	service_records_fini(&keeper->records);
	stats_free(keeper->stats);
	reserve_fd_fini(&keeper->reserve);
	watch_remove(&keeper->signal_watch);
	if (keeper->signal_fd >= 0)
		close(keeper->signal_fd);
	timers_free(keeper->timers);
	poller_free(keeper->poller);
}

static int begin(struct keeper *keeper, struct settings *settings)
{
	int r;

	r = keeper_open_log(keeper, settings);
	if (r < 0) {
		settings_unref(settings);
		return r;
	}

	r = generation_new(&keeper->generation, settings, &keeper->listener_table, &keeper->records,
			   &keeper->options->descriptors);
	if (r < 0)
		return r;
	r = pools_take(&keeper->pools, keeper->generation);
	if (r < 0)
		return log_error(r, "cannot prepare the services");

	activation_warn(keeper->listener_table.activation);
	start_front(&keeper->restart);
	keeper->watchdog_ms = notify_watchdog_ms();
	if (keeper->watchdog_ms > 0)
		on_watchdog(&keeper->watchdog);
	return 0;
}

int keeper_run(const struct keeper_options *options, struct settings *settings,
	       struct activation *activation)
{
	struct keeper keeper = { .options = options, .signal_fd = -1, .reserve.number = -1 };
	int r;

	list_init(&keeper.fronts.list);
	keeper_init_pools(&keeper);
	r = open_keeper(&keeper);
	if (r < 0) {
		settings_unref(settings);
		log_error(r, "cannot start");
	} else {
		listener_table_init(&keeper.listener_table, keeper.timers, activation, on_bound);
		r = begin(&keeper, settings);
	}
	if (r < 0)
		finish(&keeper, r == -EACCES || r == -EPERM ? EX_NOPERM : EX_OSERR);

	while (!keeper.done) {
		r = poller_run(keeper.poller, timers_wait_ms(keeper.timers, clock_ms()));
		if (r < 0)
			log_error(r, "cannot wait for events");
		timers_run(keeper.timers, clock_ms());
		fronts_forget_ended(&keeper.fronts);
		if (keeper.records.stale)
			keeper_sweep(&keeper);
		pools_settle(&keeper.pools);
		fronts_tell_ended(&keeper.fronts);
	}

	close_keeper(&keeper);
	activation_close(activation);
	return keeper.exit_status;
}
