#pragma once

/*
 * Messages of the keeper about processes of dispatch `pass`, translated into calls of a balancer.
 */

struct balancer;
struct channel_message;

/* For CHANNEL_POOL, _PROCESS, _PROCESS_GONE and _LEAVE. Takes @fd (or -1). */
void pass_notices_on_message(struct balancer *balancer, const struct channel_message *message,
			     int fd);
