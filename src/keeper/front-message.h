#pragma once

/* What the messages of fronts mean for the parts of the keeper. */

struct channel_message;
struct front;
struct keeper;

/* As on_message() of struct fronts_events. */
int front_message(struct keeper *keeper, struct front *front, const struct channel_message *message,
		  int fd);
