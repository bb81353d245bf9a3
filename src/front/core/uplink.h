#pragma once

/*
 * Sends messages to the keeper, in order. When the channel is full, one request is kept. Until it
 * is sent, uplink_is_blocked() tells callers to make no others.
 *
 * The uplink owns the watch of the channel. It tells its owner when there is something to receive.
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
	unsigned pending_replies; /* answers that wait for room in the channel, as 1 << type */
	struct timer retry;
	struct timer read_again; /* set while nothing is received */
};

/* The caller keeps the channel. Nothing is received before uplink_start(). */
void uplink_init(struct uplink *uplink, int channel, const struct uplink_events *events);
int uplink_start(struct uplink *uplink, struct poller *poller, struct timers *timers);

/* Also for an uplink that was never started. */
void uplink_fini(struct uplink *uplink);

/* Takes over @fd (or -1). Not to be called while the uplink is blocked. */
void uplink_send(struct uplink *uplink, const struct channel_message *message, int fd);

/* Sends an answer without contents, after all requests. */
void uplink_answer(struct uplink *uplink, enum channel_type type);

/* Takes back an answer that was not sent yet. */
void uplink_forget(struct uplink *uplink, enum channel_type type);

/* Memory was short, and nothing could be received. Calls on_readable() again after a moment. */
void uplink_pause_reading(struct uplink *uplink);

/* The keeper has gone. The kept request and all later ones are lost; nothing more is received. */
void uplink_abandon(struct uplink *uplink);

static inline bool uplink_is_blocked(const struct uplink *uplink)
{
	return uplink->blocked;
}

/* Whether a request was not sent yet, so that the front may not end. */
static inline bool uplink_has_request(const struct uplink *uplink)
{
	return uplink->has_kept;
}
