#pragma once

/* The options of listening sockets: those set before bind(), and those that may change later. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct endpoint;

/* What a listening socket is to be like, but for where it is bound. */
struct listener_options {
	int backlog;
	int rcvbuf; /* bytes; 0: the system's default */
	int sndbuf;
	bool keepalive; /* of TCP: accepted connections inherit both, whoever accepts */
	bool nodelay;
	bool packet_info;  /* datagrams come with the address that they were sent to */
	bool report_drops; /* datagrams come with the number of those dropped: SO_RXQ_OVFL */
	bool share_port;   /* of datagrams: other sockets of the same user may bind the port too */
	bool no_rights;    /* of Unix: clients cannot send descriptors */
	bool blocking;     /* the programs that share the socket accept without looking first */
	mode_t mode;       /* for Unix sockets in the file system */
	uid_t uid;         /* (uid_t)-1 leaves the owner, (gid_t)-1 the group */
	gid_t gid;
};

/* In bytes, as requested. The kernel reports twice as much. */
struct buffer_sizes {
	int receive;
	int send;
};

/*
 * Newer kernels refuse messages with descriptors to a Unix socket without this option, and to what
 * is accepted from it.
 */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

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
