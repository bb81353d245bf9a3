#pragma once

/* What all parts of a front use. front.c owns everything behind the pointers. */

struct poller;
struct startup;
struct throttle;
struct timers;
struct uplink;

/* Only the top folder changes the mode, and never back from MODE_DRAINING. */
enum mode {
	MODE_SERVING,
	MODE_HALTED,   /* takes no clients, because another front is about to */
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
