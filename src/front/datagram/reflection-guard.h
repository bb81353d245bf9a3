#pragma once

/*
 * Decides which datagrams must not be answered. Two services could otherwise answer each other
 * without end, and a forged sender could be flooded with answers. Built-ins answer only where
 * there is no risk.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define REFLECTION_GUARD_BUCKETS 64

struct reflection_guard_name;

/* What could come of an answer. */
enum reflection_risk {
	REFLECTION_NO_RISK,
	REFLECTION_LOW_PORT, /* the sender may be a server, which answers in its turn */
	REFLECTION_OWN,      /* superd itself may be the sender */
	REFLECTION_NOBODY,   /* the address is not that of one host, or it has no port */
};

/* Where superd itself receives datagrams. Atomic, because workers read it meanwhile. */
struct reflection_guard {
	_Atomic uint8_t own_ports[65536 / 8];
	_Atomic(struct reflection_guard_name *)
		own_names[REFLECTION_GUARD_BUCKETS]; /* of Unix sockets */
};

/* @own is the address of a socket of superd, from getsockname(2). Returns 0 or -ENOMEM. */
int reflection_guard_add(struct reflection_guard *guard, const struct sockaddr *own,
			 socklen_t length);

/* Called when no other thread uses the guard any more. */
void reflection_guard_fini(struct reflection_guard *guard);

/* The risk of an answer to @source. */
enum reflection_risk reflection_guard_judge(const struct reflection_guard *guard,
					    const struct sockaddr *source, socklen_t length);
