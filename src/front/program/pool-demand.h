#pragma once

/*
 * Decides when a pool is short of processes, from two looks at a listener.
 *
 * A client in the queue means little by itself, because a free process may be about to accept it.
 * So the first look only notices the client. The second look, after a pause, asks for one more
 * process if a client still waits. Each second look that finds the queue empty doubles the pause,
 * so a pool that copes with its load costs a few wake-ups a second at most. When no process is
 * ready, none can accept the client, and the first look asks at once.
 */

#include <stdbool.h>

#include "base/backoff.h"

enum demand {
	DEMAND_NONE,  /* watch the listener */
	DEMAND_LOOK,  /* look again after the pause */
	DEMAND_SHORT, /* ask for one more process */
};

/* Zeroed: no look yet. */
struct demand_state {
	bool noticed; /* the next look is the second */
	struct backoff pause;
};

/*
 * What to do about a listener. @waiting: a client is in its queue. @ready: how many processes
 * accept clients. For DEMAND_LOOK the pause is state->pause.
 */
enum demand demand_look(struct demand_state *state, bool waiting, unsigned ready);
