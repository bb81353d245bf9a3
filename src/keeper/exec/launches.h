#pragma once

/*
 * All launches, and how many are under way at once.
 *
 * For clients and for pools, each: as many as there are processors, and one. More would only make
 * each of them slower. One that is under way for longer than a moment waits for something else than
 * a processor, and does not count any more; so nobody else has to wait for it. Of such slow ones a
 * service has a few, and then no further one, and there is a bound for all together. One that
 * takes longer than the time its service gives it is killed. When that happens to a service again
 * and again, there are pauses before the next.
 *
 * That a launch has failed is known when its child is reaped. That its program runs shows in memory
 * and costs no system call to find: launches_look() finds it. It is called in every turn of the
 * loop, and by a timer that waits a millisecond for a new launch, and longer for an old one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/list.h"
#include "keeper/exec/launch.h"
#include "net/timer.h"

/* What one service has under way. Zeroed: nothing. */
struct launch_quota {
	unsigned slow;
	struct backoff pause; /* after two in a row that took too long */
	unsigned overdue;     /* in a row */
	int64_t until_ms;     /* the end of the pause */
};

struct launches {
	struct timers *timers;
	struct timer timer; /* while a launch is under way, or a pause lasts */
	struct list free;
	struct list under_way; /* oldest first */
	unsigned n;            /* of both */
	unsigned limit;        /* of each kind that is not slow */
	unsigned counted[LAUNCH_KINDS];
	unsigned slow;
	int64_t pause_until_ms; /* the end of the last pause of any service; 0: none */
	size_t text_size;
	int null; /* /dev/null, for programs, or -1 */
};

/* The caller keeps @timers. Without /dev/null, what needs it fails when it is launched. */
void launches_init(struct launches *launches, struct timers *timers);

/* Launches that are still under way keep their memory. */
void launches_fini(struct launches *launches);

/* For a process that becomes a front: closes the descriptor. */
void launches_abandon(const struct launches *launches);

/* Makes room for plans with @text_size of text. Returns 0 or -ENOMEM. */
int launches_make_room(struct launches *launches, size_t text_size);

/* Whether one more of @kind may be under way now. */
bool launches_have_room(const struct launches *launches, enum launch_kind kind);

/* Whether the service with @quota may have one more under way. */
bool launches_allow(const struct launches *launches, const struct launch_quota *quota);

/* The pause before a further launch of the service, because others took too long; or 0. */
int64_t launches_pause_ms(const struct launch_quota *quota);

/*
 * Returns a launch for launch_begin(), or NULL when memory is short. Then the caller sets its
 * events, before the next turn. @limit_ms is how long it may take.
 */
struct launch *launches_take(struct launches *launches, struct launch_quota *quota,
			     enum launch_kind kind, int64_t limit_ms);

/* For a launch that was not begun, or not with success. NULL: does nothing. */
void launches_return(struct launch *launch);

/* Finds launches that are over, slow or overdue. */
void launches_look(struct launches *launches);

/*
 * The child of a launch that is still under way was reaped, with @status of wait(2). Calls
 * executed() and returns true, or not_started() and returns false.
 */
bool launches_reaped(struct launch *launch, int status);

/* Kills those under way. */
void launches_kill(struct launches *launches);

/* Those that may be over at any moment. */
static inline unsigned launches_count_quick(const struct launches *launches)
{
	return launches->counted[LAUNCH_FOR_CLIENT] + launches->counted[LAUNCH_FOR_POOL];
}

static inline bool launches_are_under_way(const struct launches *launches)
{
	return list_is_linked(&launches->under_way);
}
