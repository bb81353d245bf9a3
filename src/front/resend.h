#pragma once

/*
 * Descriptors of the keeper's that found no free number here: the message is received all the
 * same, and the descriptor asked for again until it comes.
 */

#include <stdbool.h>
#include <stdint.h>

struct channel_message;
struct front;

/* A CHANNEL_LISTENER, _PROCESS or _LOG came without its descriptor. */
void resend_note(struct front *front, const struct channel_message *message, int error);

/*
 * One came with it, or need not come any more: the one of @type that is about the same as @message.
 * Returns whether it had been missed; @out (or NULL) is it then.
 */
bool resend_settle(struct front *front, uint32_t type, const struct channel_message *message,
		   struct channel_message *out);

void resend_forget(struct front *front);
