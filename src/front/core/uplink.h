#pragma once

/*
 * Requests to the keeper, in order. The channel may be full: then one request is kept,
 * and until it is gone front->blocked keeps the others from being made.
 */

#include "channel/channel.h"

struct front;
struct watch;

/*
 * For CHANNEL_SPAWN, _DATAGRAM, _WAIT and _GROW, while throttle_lets_uplink(), and for _DISMISS
 * and _MISSED, while the channel is not blocked. Takes @fd (or -1).
 */
void uplink_send(struct front *front, const struct channel_message *message, int fd);

/* For answers without contents; they go out after all requests. */
void uplink_answer(struct front *front, enum channel_type type);

/* Takes back an answer that has not gone out. */
void uplink_forget(struct front *front, enum channel_type type);

/* The channel may take more. */
void uplink_flush(struct front *front);

/*
 * Nobody takes requests any more: says which client is lost with the kept one, if there is
 * one, and drops all later ones.
 */
void uplink_abandon(struct front *front);
