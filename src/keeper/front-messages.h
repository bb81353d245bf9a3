#pragma once

/* Messages of a front: which part of the keeper gets each, and in which states of the front. */

struct channel_message;
struct front;

/* As in fronts_events. */
int front_messages_handle(struct front *front, const struct channel_message *message, int fd);
