#pragma once

/*
 * The guards of datagram built-ins: whom they never answer, so that two echoes never
 * talk and nobody is hit by answers to what somebody else sent in his name.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct guard {
	/* Where our own datagram built-ins listen. Atomic, because workers read it meanwhile. */
	_Atomic uint8_t own_ports[65536 / 8];
};

void guard_add_port(struct guard *guard, unsigned port);

/* Whether a datagram from @source may be answered. */
bool guard_allows(const struct guard *guard, const struct sockaddr *source, socklen_t length);
