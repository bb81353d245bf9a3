#pragma once

/*
 * For tests of the keeper without its process: services at work, and the channel of a front
 * of which the test holds the other end. Nobody plays the front but the test.
 */

/* Release builds ask as well. */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/child/front-requests.h"
#include "keeper/fronts/front.h"
#include "keeper/keeper.h"
#include "keeper/pool/pools.h"
#include "keeper/service/generation.h"
#include "net/closer.h"
#include "settings-from-text.h"

struct stage {
	struct keeper_options options;
	struct keeper keeper;
	struct front *front;
	int channel; /* the front's end */
	pid_t nobody;
};

static inline void stage_serving(void)
{
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
	front_serves(stage->front);
	fronts_add(&keeper->fronts, stage->front);
	keeper->fronts.current = stage->front;
	keeper->serving = stage->front;
	keeper->served = true;
}

static inline void stage_close_front(struct stage *stage)
{
	fronts_fini(&stage->keeper.fronts);
	stage->keeper.serving = NULL;
	close(stage->channel);
}

/* Programs run as who runs the test. */
static inline void stage_open(struct stage *stage, const char *text)
{
	struct keeper *keeper = &stage->keeper;
	int r;

	*stage = (struct stage){ .nobody = stage_nobody(), .options.serving = stage_serving };
	r = getrlimit(RLIMIT_NOFILE, &stage->options.descriptors);
	assert(r == 0);
	r = keeper_init(keeper, &stage->options, NULL);
	assert(r == 0);
	r = generation_new(&keeper->generation, settings_from_text(text), &keeper->listener_table,
			   &keeper->records, &stage->options.descriptors);
	assert(r == 0);
	r = launches_make_room(&keeper->launches, generation_text_size(keeper->generation));
	assert(r == 0);
	r = pools_take(&keeper->pools, keeper->generation);
	assert(r == 0);
	stage_open_front(stage);
	pools_follow(&keeper->pools, keeper->generation);
	pools_settle(&keeper->pools);
}

/* Waits for every program that was started. */
static inline void stage_end_programs(struct stage *stage)
{
	list_for_each(at, next, &stage->keeper.children.list) {
		struct child *child = container_of(at, struct child, link);
		int status;

		if (waitpid(child->pid, &status, 0) == child->pid)
			(void)children_reaped(&stage->keeper.children, child->pid, status);
	}
}

/* Waits until no launch is under way. What follows from that is left to the next turn. */
static inline void stage_end_launches(struct stage *stage)
{
	struct launches *launches = &stage->keeper.launches;

	list_for_each(at, next, &launches->under_way) {
		atomic_int *busy = &container_of(at, struct launch, link)->busy;

		while (atomic_load(busy) != 0)
			(void)syscall(SYS_futex, busy, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
}

/* Whether a program runs, or is to be started. */
static inline bool stage_is_busy(const struct stage *stage)
{
	const struct keeper *keeper = &stage->keeper;

	return children_count(&keeper->children) > 0 || launches_are_under_way(&keeper->launches) ||
	       requests_count_waiting(&keeper->requests) > 0;
}

/* Lets the keeper act on what was sent to it. */
static inline void stage_turn(struct stage *stage)
{
	keeper_turn(&stage->keeper, 0);
}

/* The same, when @ms have passed. */
static inline void stage_turn_later(struct stage *stage, int64_t ms)
{
	timers_run(stage->keeper.timers, clock_ms() + ms);
	stage_turn(stage);
}

/* Waits until all is closed that was left to other processes. */
static inline void stage_end_closing(struct stage *stage)
{
	while (closer_count() > 0) {
		while (waitpid(-1, NULL, __WCLONE) > 0)
			;
		stage_turn_later(stage, 60000);
	}
}

static inline void stage_close(struct stage *stage)
{
	struct keeper *keeper = &stage->keeper;

	pools_stop(&keeper->pools);
	stage_end_programs(stage);
	stage_close_front(stage);
	requests_give_up(&keeper->requests);
	keeper_fini(keeper);
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
