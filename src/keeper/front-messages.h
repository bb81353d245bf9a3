#pragma once

/* What a front says: which message goes to which part of the keeper, and in which states it may. */

struct channel_message;
struct front;

/* As in fronts_events. */
int front_messages_handle(struct front *front, const struct channel_message *message, int fd);
