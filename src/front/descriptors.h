#pragma once

/*
 * The numbers that the front has for descriptors. Some are kept for what the keeper lends: sockets
 * that it binds late, processes that it starts, the log. The soft limit stays that much lower, so
 * that clients never take these numbers, and is lifted while a message of the keeper is received.
 */

#include <stdbool.h>
#include <sys/resource.h>

struct startup;

struct descriptors {
	struct rlimit all;
	struct rlimit before; /* the limit was lifted */
	bool is_lifted;
};

/* Sets the limit. On failure all numbers are for clients too. */
void descriptors_init(struct descriptors *descriptors, const struct startup *startup);

void descriptors_lift(struct descriptors *descriptors);
void descriptors_lower(struct descriptors *descriptors);
