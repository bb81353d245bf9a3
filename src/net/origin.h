#pragma once

/*
 * Whether a connection was accepted from a listener, as far as the kernel can tell.
 *
 * A process that was taken over may present any socket as a connection of a listener that it has
 * open: the connecting side of one, a socketpair, a connection to somewhere else or in a network
 * namespace of its own. A socket that accept(2) returns has the name of the listener, or one that
 * the wildcard stands for, and its type, its protocol and its network.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* What the kernel says of a listener when it is bound. A front may change the socket afterwards. */
struct origin {
	struct address name; /* length 0: not bound. For Unix the kernel's own, not the file's */
	int type;
	int protocol;
	uint64_t network; /* the cookie of its namespace; 0: the kernel has none */
};

/* Fills in @out for the bound socket @fd. */
void origin_of(struct origin *out, int fd);

/* Returns whether @fd may have been accepted from the listener, with its local address. */
bool origin_is_of(const struct origin *origin, int fd, struct address *out_local);
