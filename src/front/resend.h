#pragma once

/*
 * Messages whose descriptor was lost because the front had no free number for it. The message
 * itself was received. The front asks the keeper again and again until the descriptor comes.
 */

#include <stdbool.h>
#include <stdint.h>

struct channel_message;
struct front;

/* A CHANNEL_LISTENER, _PROCESS or _LOG has come without its descriptor. */
void resend_note(struct front *front, const struct channel_message *message, int error);

/*
 * The descriptor has come, or is not needed any more: that of the message of @type which is about
 * the same listener or process as @message. Returns whether it was missing. Then @out, unless NULL,
 * is the message that came without it.
 */
bool resend_settle(struct front *front, uint32_t type, const struct channel_message *message,
		   struct channel_message *out);

void resend_forget(struct front *front);
