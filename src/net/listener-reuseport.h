#pragma once

/*
 * Several sockets for the datagrams of one listener (SO_REUSEPORT), so that several threads read
 * them without waiting for each other. The kernel gives all datagrams of one sender to one socket.
 */

#include <stddef.h>

struct listener;
struct listener_options;

/*
 * Opens more sockets until the listener has @n. All of them must be read. Does nothing for a
 * listener that is not bound, has connections, or is a Unix socket. Returns 0, or a negative errno:
 * then there are fewer sockets, at least one.
 */
int listener_reuseport_open(struct listener *listener, const struct listener_options *options,
			    size_t n);
