#pragma once

/* What the keeper says of the processes of dispatch `pass`, and what a balancer does about it. */

struct balancer;
struct channel_message;

/* For CHANNEL_POOL, _PROCESS, _PROCESS_GONE and _LEAVE. Takes @fd (or -1). */
void pass_notices_on_message(struct balancer *balancer, const struct channel_message *message,
			     int fd);
