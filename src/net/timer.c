#include "net/timer.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/array.h"

/* A binary heap of pointers. @heap[1] is the next timer, @heap[0] is not used. */
struct timers {
	struct timer **heap;
	size_t n;
	size_t room;
	int64_t not_before_ms; /* for timers that a callback of timers_run() sets */
};

int timers_new(struct timers **out)
{
	struct timers *timers;

	timers = calloc(1, sizeof(*timers));
	if (!timers)
		return -ENOMEM;

	timers->not_before_ms = INT64_MIN;
	*out = timers;
	return 0;
}

void timers_free(struct timers *timers)
{
	if (!timers)
		return;

	for (size_t i = 1; i <= timers->n; i++)
		timers->heap[i]->position = 0;
	free(timers->heap);
	free(timers);
}

int timers_wait_ms(const struct timers *timers, int64_t now_ms)
{
	int64_t left;

	if (timers->n == 0)
		return -1;

	left = timers->heap[1]->at_ms - now_ms;
	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static void put(struct timers *timers, struct timer *timer, size_t position)
{
	timers->heap[position] = timer;
	timer->position = position;
}

/* Puts a timer into the free @position, or up or down from there to keep the order. */
static void sift(struct timers *timers, struct timer *timer, size_t position)
{
	while (position > 1 && timers->heap[position / 2]->at_ms > timer->at_ms) {
		put(timers, timers->heap[position / 2], position);
		position /= 2;
	}

	for (size_t child = 2 * position; child <= timers->n; child = 2 * position) {
		if (child < timers->n &&
		    timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms)
			child++;
		if (timers->heap[child]->at_ms >= timer->at_ms)
			break;
		put(timers, timers->heap[child], position);
		position = child;
	}

	put(timers, timer, position);
}

int timer_set(struct timer *timer, struct timers *timers, int64_t at_ms, timer_fn *fn)
{
	int r;

	assert(!timer->position || timer->timers == timers);

	if (!timer->position) {
		r = array_make_room(timers->heap, timers->n + 1, timers->room);
		if (r < 0)
			return r;
		timer->position = ++timers->n;
	}

	timer->at_ms = at_ms > timers->not_before_ms ? at_ms : timers->not_before_ms;
	timer->fn = fn;
	timer->timers = timers;
	sift(timers, timer, timer->position);
	return 0;
}

void timer_cancel(struct timer *timer)
{
	struct timers *timers = timer->timers;
	struct timer *last;

	if (!timer->position)
		return;

	last = timers->heap[timers->n--];
	if (last != timer)
		sift(timers, last, timer->position);
	timer->position = 0;
}

void timers_run(struct timers *timers, int64_t now_ms)
{
	/* A timer that its callback sets again and again must not stop the loop. */
	timers->not_before_ms = now_ms + 1;

	while (timers->n > 0 && timers->heap[1]->at_ms <= now_ms) {
		struct timer *timer = timers->heap[1];

		timer_cancel(timer);
		timer->fn(timer);
	}

	timers->not_before_ms = INT64_MIN;
}
