#pragma once

/*
 * The socket on which a program answers one datagram. It is connected to the sender, and bound to
 * the address that the datagram was sent to, so that the answer comes from that address.
 */

#include <stdbool.h>

#include "net/address.h"

struct listener;

struct reply_socket {
	int fd;
	bool child_connects; /* the child must connect it, as the program's user */
};

/* Returns 0 or a negative errno. @local is the address that was sent to; length 0: not known. */
int reply_socket_open(struct reply_socket *out, const struct listener *listener,
		      const struct address *peer, const struct address *local);
