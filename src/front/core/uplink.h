#pragma once

/*
 * Messages to the keeper, in order. The channel may be full: then one request is kept, and until
 * it has gone out uplink_is_blocked() keeps others from being made.
 *
 * The uplink owns the watch of the channel, so it hears when there is something to receive as well,
 * and passes that on.
 */

#include <stdbool.h>

#include "channel/channel.h"
#include "net/poller.h"
#include "net/timer.h"

struct uplink;

struct uplink_events {
	void (*on_readable)(struct uplink *uplink);
	/* Requests may be sent again. */
	void (*on_writable)(struct uplink *uplink);
	/* The request @message will never arrive. */
	void (*on_lost)(struct uplink *uplink, const struct channel_message *message, int error);
};

/* For the main thread. */
struct uplink {
	struct watch watch;
	struct timers *timers;
	const struct uplink_events *events;
	struct channel_message kept; /* a request that the channel did not take yet */
	int kept_fd;
	bool has_kept;
	bool blocked;             /* there is a kept request, or a pending answer */
	bool deaf;                /* does not listen for a moment */
	unsigned pending_replies; /* answers to send when the channel takes them, as 1 << type */
	struct timer retry;
};

/* The channel stays the caller's. Nothing is heard before uplink_start(). */
void uplink_init(struct uplink *uplink, struct timers *timers, int channel,
		 const struct uplink_events *events);
int uplink_start(struct uplink *uplink, struct poller *poller);

/* Copes with one that was never started. */
void uplink_fini(struct uplink *uplink);

/* Takes @fd (or -1). Not while the uplink is blocked. */
void uplink_send(struct uplink *uplink, const struct channel_message *message, int fd);

/* For answers without contents; they go out after all requests. */
void uplink_answer(struct uplink *uplink, enum channel_type type);

/* Takes back an answer that has not gone out. */
void uplink_forget(struct uplink *uplink, enum channel_type type);

/* on_readable() is called, or for now it is not. */
void uplink_listen(struct uplink *uplink, bool listen);

/*
 * The keeper has gone. A request that is kept is lost, and so will be later ones. Nothing more is
 * heard.
 */
void uplink_abandon(struct uplink *uplink);

static inline bool uplink_is_blocked(const struct uplink *uplink)
{
	return uplink->blocked;
}

/* Whether a request has yet to go out, so that the front may not end. */
static inline bool uplink_has_request(const struct uplink *uplink)
{
	return uplink->has_kept;
}
