#pragma once

/*
 * Timers on the monotonic clock, in a heap. To set a timer costs the logarithm of their number; a
 * timer that is set costs nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;
struct timers;

typedef void timer_fn(struct timer *timer);

/* Embedded in its owner. A zeroed timer is not set. */
struct timer {
	int64_t at_ms;
	size_t position; /* in the heap, from 1; 0 while not set */
	timer_fn *fn;
	struct timers *timers;
};

/* Returns 0 or -ENOMEM. */
int timers_new(struct timers **out);
/* Timers that are still set must exist; they are not set afterwards. */
void timers_free(struct timers *timers);

/* Returns the milliseconds until the first timer, as poller_run() takes them: -1 if none is set. */
int timers_wait_ms(const struct timers *timers, int64_t now_ms);

/*
 * Calls the timers that are due. A callback may set and cancel any timer. A timer that it sets to
 * the past is called by a later run, a millisecond after this one.
 */
void timers_run(struct timers *timers, int64_t now_ms);

/* Sets, or moves, the timer to @at_ms of clock_ms(). Returns 0 or -ENOMEM. */
int timer_set(struct timer *timer, struct timers *timers, int64_t at_ms, timer_fn *fn);

static inline bool timer_is_set(const struct timer *timer)
{
	return timer->position > 0;
}

/* Does nothing if the timer is not set. */
void timer_cancel(struct timer *timer);
