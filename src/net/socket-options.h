#pragma once

/*
 * The options of listening sockets: those that are set before bind(), and those that may change
 * while clients come.
 */

#include <stdint.h>

struct endpoint;
struct listener_options;

/* In bytes, as requested. The kernel reports twice as much. */
struct buffer_sizes {
	int receive;
	int send;
};

/* Returns the value or a negative errno. */
int socket_option(int fd, int level, int name);

/* Returns 0 or a negative errno; so do the others below. */
int socket_option_set(int fd, int level, int name, int value);

/* Sets the options that must be set before bind(2). */
int socket_options_prepare(int fd, const struct endpoint *endpoint);

/*
 * Sets the options that may change at any time. It is no failure if the kernel grants a smaller
 * buffer. @initial keeps the sizes of the system: it is zero until the first change, and the
 * buffers return to it when the configuration sets no size any more.
 */
int socket_options_apply(int fd, const struct endpoint *endpoint,
			 const struct listener_options *options, struct buffer_sizes *initial);

/* The present sizes. */
struct buffer_sizes socket_buffers(int fd);

/* How many datagrams the kernel has dropped since the socket was made. The number wraps. */
uint32_t socket_drops(int fd);
