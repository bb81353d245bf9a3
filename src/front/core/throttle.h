#pragma once

/*
 * Decides which listeners are watched.
 *
 * When clients of a ready listener cannot be taken, the listener is paused: it leaves the poller
 * and waits in a list, for its service or for the front. So a full service costs nothing, and to
 * resume costs as much as there are listeners that wait.
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

struct throttle {
	const struct context *context;
	struct list paused;   /* listeners that wait until the front may go on */
	struct list waiting;  /* services that wait for the same, with clients of their own */
	bool requests_paused; /* sends no requests: the keeper says that processes are short */

	bool in_shortage;              /* of descriptors or memory: accepts nothing for a moment */
	struct backoff shortage_pause; /* none: the shortage is over, and that was logged */
	struct timer shortage_timer;

	struct list shut; /* listeners that were shut down */
	struct backoff shut_pause;
	struct timer shut_timer; /* looks at them again */
};

/* @context needs only its timers until a listener is watched. */
void throttle_init(struct throttle *throttle, const struct context *context);
void throttle_fini(struct throttle *throttle);

/* Watches the listener, if it has a socket and there is a reason to. Logs a failure. */
void throttle_watch(struct front_listener *listener);

/* Stops watching the listener. */
void throttle_unwatch(struct front_listener *listener);

/* Whether the front may take clients of the listener now. If not, the listener was paused. */
bool throttle_is_open(struct front_listener *listener);

/* Whether requests may go to the keeper now. */
bool throttle_lets_requests(const struct throttle *throttle);

/*
 * The service has clients that are not in the kernel's queue any more. Its kind is told that a
 * slot has returned each time the front may go on, until it ends the wait. May be repeated.
 */
void throttle_wait(struct front_service *service);
void throttle_end_wait(struct front_service *service);

/* Pauses the listener until a client of its service ends. */
void throttle_pause_full(struct front_listener *listener);

/* Pauses the listener until its service may have one more client, by its instances and its rate. */
void throttle_hold(struct front_listener *listener);

/* Looks at the clients of the service again when its rate lets one more come. */
void throttle_look_again(struct front_service *service);

/*
 * The listener was ready, but nobody was there. If it was shut down, by whatever process has it, it
 * would be ready for ever: then it is not watched for a while, and the keeper opens another socket.
 */
void throttle_on_empty(struct front_listener *listener);

/* The listener was shut down, perhaps by the keeper, whose message is on the way. */
void throttle_on_shut(struct front_listener *listener);

/* Resumes the listeners that wait for the service, or for the front. */
void throttle_resume_service(struct front_service *service);
void throttle_resume(struct throttle *throttle);

/* The keeper is short of processes, or no longer. When it is not, everything that waits resumes. */
void throttle_pause_requests(struct throttle *throttle, bool paused);

/*
 * Descriptors or memory ran out. Accepts nothing for a moment, and then tries again. Logs the
 * beginning and the end of the shortage.
 */
void throttle_on_shortage(struct throttle *throttle, int error);
