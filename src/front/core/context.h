#pragma once

/* What every part of a front is given. front.c owns what is behind the pointers. */

struct poller;
struct startup;
struct throttle;
struct timers;
struct uplink;

/* The top folder alone changes it, and never back from MODE_DRAINING. */
enum mode {
	MODE_SERVING,
	MODE_HALTED,   /* takes no clients, for another front is about to */
	MODE_DRAINING, /* the listeners are closed */
	MODE_OVER,
};

struct context {
	const struct startup *startup;
	struct poller *poller;
	struct timers *timers;
	struct uplink *uplink;
	struct throttle *throttle;
	enum mode mode;
};
