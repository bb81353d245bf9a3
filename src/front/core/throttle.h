#pragma once

/*
 * Decides which listeners are watched.
 *
 * A listener that is ready at a time when its clients cannot be taken is parked: taken
 * out of the poller and put on the list of whatever it waits for. So a full service, or
 * a front at rest, costs nothing, and letting them go on costs only the ones that waited.
 */

#include <stdbool.h>

struct front;
struct front_listener;
struct front_service;
struct list;

/* Watches the listener, if it has a socket. Logs a failure. */
void throttle_watch(struct front_listener *listener);

/* Watches no more, until somebody says so. */
void throttle_unwatch(struct front_listener *listener);

/* Whether the front may take clients from it now; if not, it has been parked. */
bool throttle_is_open(struct front_listener *listener);

/* Whether a request of the service may go to the keeper now. */
bool throttle_lets_uplink(const struct front *front);

/* Parks the listener until a slot of its service returns. */
void throttle_park_full(struct front_listener *listener);

/* Watches all that waited for a slot, or for the front. */
void throttle_release_service(struct front_service *service);
void throttle_release_front(struct front *front);

/*
 * Descriptors or memory ran out: nothing is accepted for a moment, and then tried again. Says
 * so once, and again when it is over.
 */
void throttle_starve(struct front *front, int error);
