#pragma once

/*
 * The socket by which a program answers one datagram: connected to the sender, and
 * bound to the address that was asked, so that the answer comes from there.
 */

#include <stdbool.h>

#include "net/address.h"

struct listener;

struct reply_socket {
	int fd;
	bool child_connects; /* not connected: the program's user must do it */
};

/* Returns 0 or a negative errno. @local is where the datagram was sent, or has length 0. */
int reply_socket_open(struct reply_socket *out, const struct listener *listener,
		      const struct address *peer, const struct address *local);
