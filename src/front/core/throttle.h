#pragma once

/*
 * Decides which listeners are watched.
 *
 * A listener that is ready at a time when its clients cannot be taken is parked: taken
 * out of the poller and put on the list of whatever it waits for. So a full service, or
 * a front at rest, costs nothing, and letting them go on costs only the ones that waited.
 *
 * For the main thread.
 */

#include <stdbool.h>

#include "base/backoff.h"
#include "base/list.h"
#include "net/timer.h"

struct context;
struct front_listener;
struct front_service;

/* Someone else than a listener who waits for the front as a whole. */
struct throttle_waiter {
	struct list link;
	void (*go_on)(struct throttle_waiter *waiter); /* may end the wait, its own alone */
};

struct throttle {
	const struct context *context;
	struct list parked; /* listeners that wait for the front as a whole */
	struct list waiters;
	bool paused; /* sends no requests: the keeper says that processes are short */

	bool starved;  /* descriptors or memory ran out: accepts nothing for a moment */
	bool starving; /* has been said, and is not over */
	struct backoff starved_pause;
	struct timer starved_timer;
};

/* @context may be incomplete, but for its timers, until something is watched. */
void throttle_init(struct throttle *throttle, const struct context *context);
void throttle_fini(struct throttle *throttle);

/* Watches the listener, if it has a socket and there is a reason to. Logs a failure. */
void throttle_watch(struct front_listener *listener);

/* Watches no more, until somebody says so. */
void throttle_unwatch(struct front_listener *listener);

/* Whether the front may take clients from it now; if not, it has been parked. */
bool throttle_is_open(struct front_listener *listener);

/* Whether requests may go to the keeper now. */
bool throttle_lets_requests(const struct throttle *throttle);

/* Until throttle_release(), and each time that it is called. Harmless when repeated. */
void throttle_wait(struct throttle *throttle, struct throttle_waiter *waiter);
void throttle_end_wait(struct throttle_waiter *waiter);

/* Parks the listener until a slot of its service returns. */
void throttle_park_full(struct front_listener *listener);

/* Watches all that waited for a slot, or for the front. */
void throttle_release_service(struct front_service *service);
void throttle_release(struct throttle *throttle);

/* Processes are short in the keeper, or no more: then all that waited is released. */
void throttle_pause(struct throttle *throttle, bool paused);

/*
 * Descriptors or memory ran out: nothing is accepted for a moment, and then tried again. Says
 * so once, and again when it is over.
 */
void throttle_starve(struct throttle *throttle, int error);
