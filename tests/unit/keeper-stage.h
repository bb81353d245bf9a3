#pragma once

/*
 * For tests of the keeper without its process: services at work, and the channel of a front
 * of which the test holds the other end. Nobody plays the front but the test.
 */

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/stats.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/pool/pool-reload.h"
#include "keeper/pool/pools.h"
#include "keeper/front-messages.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/child/requests.h"
#include "keeper/state.h"
#include "settings-from-text.h"

struct stage {
	struct keeper_options options;
	struct keeper keeper;
	struct front *front;
	int channel; /* the front's end */
	pid_t nobody;
};

static inline void stage_on_lost(struct front *front, const struct channel_message *message)
{
	requests_lose(&container_of(front->fronts, struct keeper, fronts)->requests, front,
		      message);
}

static inline void stage_on_short(struct fronts *fronts, int error)
{
	shortage_begin(&container_of(fronts, struct keeper, fronts)->requests.shortage, error);
}

static inline void stage_on_gone(struct front *front)
{
}

static const struct fronts_events stage_events = {
	.on_message = front_messages_handle,
	.on_lost = stage_on_lost,
	.on_short = stage_on_short,
	.on_gone = stage_on_gone,
};

static inline void stage_open_keeper(struct stage *stage)
{
	struct keeper *keeper = &stage->keeper;
	int r;

	keeper->options = &stage->options;
	keeper->signal_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	keeper_init_pools(keeper);
	r = getrlimit(RLIMIT_NOFILE, &stage->options.descriptors);
	assert(r == 0);
	r = timers_new(&keeper->timers);
	assert(r == 0);
	r = poller_new(&keeper->poller, POLLER_EPOLL);
	assert(r == 0);
	keeper->pools.timers = keeper->timers;
	keeper->pools.poller = keeper->poller;
	keeper->stats = stats_new();
	assert(keeper->stats);
	listener_table_init(&keeper->listener_table, keeper->timers, NULL, NULL);
	reserve_fd_init(&keeper->reserve, keeper->signal_fd);
	fronts_init(&keeper->fronts, keeper->poller, &keeper->reserve, &keeper->records,
		    &stage_events);
	failures_init(&keeper->failures, keeper->timers, keeper->stats, &keeper->records);
	requests_init(&keeper->requests, keeper->timers, &keeper->fronts, &keeper->reserve,
		      &keeper->children, &keeper->failures, keeper->stats);
}

/* A process that has ended and is not waited for: to be killed does nothing to it. */
static inline pid_t stage_nobody(void)
{
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0)
		_exit(0);
	return pid;
}

static inline void stage_open_front(struct stage *stage)
{
	struct keeper *keeper = &stage->keeper;
	int r;

	r = fronts_prepare(&keeper->fronts, keeper->generation, &stage->front, &stage->channel);
	assert(r == 0);
	stage->front->pid = stage->nobody;
	(void)front_serves(stage->front);
	fronts_add(&keeper->fronts, stage->front);
	keeper->fronts.current = stage->front;
	keeper->served = true;
}

static inline void stage_close_front(struct stage *stage)
{
	fronts_fini(&stage->keeper.fronts);
	close(stage->channel);
}

/* Programs run as who runs the test. */
static inline void stage_open(struct stage *stage, const char *text)
{
	int r;

	*stage = (struct stage){ .nobody = stage_nobody() };
	stage_open_keeper(stage);
	r = generation_new(&stage->keeper.generation, settings_from_text(text),
			   &stage->keeper.listener_table, &stage->keeper.records,
			   &stage->options.descriptors);
	assert(r == 0);
	r = pools_take(&stage->keeper.pools, stage->keeper.generation);
	assert(r == 0);
	stage_open_front(stage);
	pools_follow(&stage->keeper.pools, stage->keeper.generation);
	pools_settle(&stage->keeper.pools);
}

/* Waits for every program that was started. */
static inline void stage_end_programs(struct stage *stage)
{
	struct child *child, *next;

	HASH_ITER(hh, stage->keeper.children.by_pid, child, next)
	{
		int status;

		if (waitpid(child->pid, &status, 0) == child->pid)
			(void)children_reaped(&stage->keeper.children, child->pid, status);
	}
}

/* Lets the keeper act on what was sent to it. */
static inline void stage_turn(struct stage *stage)
{
	(void)poller_run(stage->keeper.poller, 0);
	timers_run(stage->keeper.timers, clock_ms());
	fronts_forget_ended(&stage->keeper.fronts);
	pools_settle(&stage->keeper.pools);
	fronts_tell_ended(&stage->keeper.fronts);
}

static inline void stage_close(struct stage *stage)
{
	struct keeper *keeper = &stage->keeper;

	keeper->stopping = true;
	pools_stop(&keeper->pools);
	stage_end_programs(stage);
	stage_close_front(stage);
	requests_give_up(&keeper->requests);
	requests_fini(&keeper->requests);
	failures_fini(&keeper->failures);
	generation_unref(keeper->generation);
	children_forget_listeners(&keeper->children);
	listener_table_sweep(&keeper->listener_table);
	service_records_fini(&keeper->records);
	stats_free(keeper->stats);
	reserve_fd_fini(&keeper->reserve);
	pools_fini(&keeper->pools);
	close(keeper->signal_fd);
	timers_free(keeper->timers);
	poller_free(keeper->poller);
	waitpid(stage->nobody, NULL, 0);
}

/* For cmocka: a stage of its own, and a log that nobody reads, for each test. */
static inline int stage_set_up(void **state, const char *text)
{
	static struct stage stage;
	int r = log_open(LOG_TO_FILE, "/dev/null");

	stage_open(&stage, text);
	*state = &stage;
	return r;
}

static inline int stage_tear_down(void **state)
{
	stage_close(*state);
	return 0;
}

static inline unsigned stage_live(const struct stage *stage, size_t service)
{
	return stage->keeper.generation->records[service]->live;
}

static inline const struct listener *stage_listener(const struct stage *stage, size_t endpoint)
{
	return stage->keeper.generation->listeners[endpoint];
}
