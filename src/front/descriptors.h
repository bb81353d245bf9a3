#pragma once

/*
 * The numbers that the front has for descriptors. Some are reserved for the descriptors that the
 * keeper sends: sockets that it binds late, sockets of processes, the log. The soft limit is lower
 * by that many, so that clients never take these numbers. It is lifted while a message of the
 * keeper is received. The hard limit never changes.
 */

#include <stdbool.h>
#include <sys/resource.h>

struct startup;

struct descriptors {
	rlim_t most;   /* no soft limit of the front is higher */
	rlim_t before; /* the soft limit before it was lifted */
	rlim_t lifted; /* the soft limit while it is lifted */
	bool is_lifted;
};

/* Sets the limit. On failure all numbers are for clients too. */
void descriptors_init(struct descriptors *descriptors, const struct startup *startup);

void descriptors_lift(struct descriptors *descriptors);
void descriptors_lower(struct descriptors *descriptors);
