#pragma once

/*
 * The options of listening sockets: which are set before the address is bound, and which
 * may change while clients come.
 */

#include <stdint.h>

struct endpoint;
struct listener_options;

/* In bytes; half of what the kernel sets aside, as it doubles what it is asked for. */
struct buffer_sizes {
	int receive;
	int send;
};

/* Returns the value or a negative errno. */
int socket_option(int fd, int level, int name);
int socket_option_set(int fd, int level, int name, int value);

/* All that must be there before bind(2), for the type and family of the endpoint. */
int socket_options_prepare(int fd, const struct endpoint *endpoint);

/*
 * Sets what may change at any time. A buffer of which the kernel grants less than was asked
 * for is no failure. @initial has the sizes that the socket had before they were changed for the
 * first time, to which they return when nothing is asked for any more; zeroes until then.
 */
int socket_options_apply(int fd, const struct endpoint *endpoint,
			 const struct listener_options *options, struct buffer_sizes *initial);

struct buffer_sizes socket_buffers(int fd);

/* How many datagrams the kernel has dropped since the socket was made; wraps. */
uint32_t socket_drops(int fd);
