#pragma once

/*
 * The guards of datagram built-ins: whom they never answer, so that two echoes never
 * talk and nobody is hit by answers to what somebody else sent in his name.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define REFLECTION_GUARD_BUCKETS 64

struct reflection_guard_name;

/* Where we receive datagrams ourselves. Atomic, because workers read it meanwhile. */
struct reflection_guard {
	_Atomic uint8_t own_ports[65536 / 8];
	_Atomic(struct reflection_guard_name *)
		own_names[REFLECTION_GUARD_BUCKETS]; /* of Unix sockets */
};

/* @own is where one of our sockets is bound, as the kernel tells it. Returns 0 or -ENOMEM. */
int reflection_guard_add(struct reflection_guard *guard, const struct sockaddr *own,
			 socklen_t length);

/* Once no thread asks any more. */
void reflection_guard_fini(struct reflection_guard *guard);

/* Whether a datagram from @source may be answered. */
bool reflection_guard_allows(const struct reflection_guard *guard, const struct sockaddr *source,
			     socklen_t length);
