#pragma once

/*
 * Decides when a pool is short of processes, from what two looks at a listener saw.
 *
 * A client in the queue means little by itself: a process that is free takes it in an
 * instant. So the first look only notices it, and the second, a pause later, asks for
 * one more process if a client waits still. While second looks find the queue empty, the
 * pause doubles: a pool that copes with its load costs a few wake-ups a second at most.
 * Where no process is ready at all, nobody is about to accept, and there is nothing to
 * wait for.
 */

#include <stdbool.h>
#include <stdint.h>

#define DEMAND_PAUSE_MIN_MS 5
#define DEMAND_PAUSE_MAX_MS 100

enum demand {
	DEMAND_NONE,  /* watch the listener */
	DEMAND_LOOK,  /* look again after the pause */
	DEMAND_SHORT, /* one more process */
};

/* Zeroed, it has seen nothing yet. */
struct demand_state {
	bool noticed; /* the next look is the second */
	int64_t pause_ms;
};

/*
 * What to do about a listener at which somebody is @waiting while @ready processes accept
 * there. For DEMAND_LOOK, state->pause_ms says when.
 */
enum demand demand_look(struct demand_state *state, bool waiting, unsigned ready);
