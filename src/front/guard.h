#pragma once

/*
 * The guards of datagram built-ins: whom they never answer, so that two echoes never
 * talk and nobody is hit by answers to what somebody else sent in his name.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define GUARD_BUCKETS 64

struct guard_name;

/* Where we receive datagrams ourselves. Atomic, because workers read it meanwhile. */
struct guard {
	_Atomic uint8_t own_ports[65536 / 8];
	_Atomic(struct guard_name *) own_names[GUARD_BUCKETS]; /* of Unix sockets */
};

/* @own is where one of our sockets is bound, as the kernel tells it. Returns 0 or -ENOMEM. */
int guard_add(struct guard *guard, const struct sockaddr *own, socklen_t length);

/* Once no thread asks any more. */
void guard_fini(struct guard *guard);

/* Whether a datagram from @source may be answered. */
bool guard_allows(const struct guard *guard, const struct sockaddr *source, socklen_t length);
