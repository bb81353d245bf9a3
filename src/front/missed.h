#pragma once

/*
 * Descriptors of the keeper's that found no free number here: the message is received all the
 * same, and the descriptor asked for again until it comes.
 */

struct channel_message;
struct front;

/* A CHANNEL_LISTENER or CHANNEL_LOG came without its descriptor. */
void missed_note(struct front *front, const struct channel_message *message, int error);

/* One came with it. */
void missed_settle(struct front *front, const struct channel_message *message);

void missed_forget(struct front *front);
