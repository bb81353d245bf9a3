#pragma once

/*
 * A listener owns the bound socket of one endpoint (the master socket).
 *
 * The keeper opens listeners and keeps them over reloads; a front, being a fork,
 * is born with the same descriptors. What happens to a client is decided elsewhere.
 * Listening sockets are non-blocking and close-on-exec.
 */

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net/endpoint.h"
#include "net/socket-options.h"

struct listener_options {
	int backlog;
	int rcvbuf; /* bytes; 0: the system's default */
	int sndbuf;
	bool packet_info;  /* datagrams tell which address they were sent to */
	bool tell_overrun; /* and how many were dropped before them: SO_RXQ_OVFL */
	bool share_port;   /* datagrams: others of our user may bind the port too */
	bool blocking;     /* whoever shares it accepts without looking first */
	mode_t mode;       /* for Unix sockets in the file system */
	uid_t uid;         /* (uid_t)-1 leaves the owner, (gid_t)-1 the group */
	gid_t gid;
};

struct listener {
	struct endpoint endpoint;
	int fd;      /* -1 while it could not be bound */
	int *others; /* further sockets for the same datagrams: see listener_share() */
	size_t n_others;
	struct buffer_sizes initial;
	bool adopted;
	bool busy;         /* a child of dispatch `wait` owns it */
	dev_t file_device; /* of the socket file that is ours, if any */
	ino_t file_inode;
};

/* Makes a listener without a socket; copies @endpoint. */
int listener_new(struct listener **out, const struct endpoint *endpoint);

/*
 * Binds and listens. A stale Unix socket is replaced by rename; one that somebody
 * serves is left: -EADDRINUSE; a file that is no socket: -EEXIST. On failure (a negative
 * errno) the listener stays without a socket and may be tried again.
 */
int listener_open(struct listener *listener, const struct listener_options *options);

/* Whether time may mend @error: the address is busy or not there yet, the device missing, ... */
bool listener_may_retry(int error);

/* Describes @fd, which somebody else bound. Returns a negative errno if no listener could be it. */
int listener_describe(int fd, struct endpoint *out);

/* Whether @fd, which somebody else bound, is of the kind that this endpoint is, wherever it is. */
bool listener_may_adopt(const struct listener *listener, int fd);

/* And whether it is bound to this endpoint. */
bool listener_matches(const struct listener *listener, int fd);

/* Takes over @fd. On failure (a negative errno) the caller keeps it. */
int listener_adopt(struct listener *listener, int fd, const struct listener_options *options);

/* Applies what can change on a bound socket: all but where it is bound. */
int listener_apply(struct listener *listener, const struct listener_options *options);

/*
 * Opens further sockets for the same datagrams until there are @n: the kernel gives those of one
 * sender to one of them. One with a socket file stays alone. On failure (a negative errno) there
 * are fewer, at least the first; all of them must be read.
 */
int listener_share(struct listener *listener, const struct listener_options *options, size_t n);

/* Closes all sockets but the first @n, at least one; what they have not delivered is lost. */
void listener_unshare(struct listener *listener, size_t n);

static inline size_t listener_n_sockets(const struct listener *listener)
{
	return listener->fd < 0 ? 0 : 1 + listener->n_others;
}

/* @i is less than their number. */
static inline int listener_socket(const struct listener *listener, size_t i)
{
	return i == 0 ? listener->fd : listener->others[i - 1];
}

/* Closes the socket but leaves a socket file: for the front, which does not own it. */
void listener_close(struct listener *listener);

/*
 * Closes the socket, and refuses clients at once in every process that has it open;
 * removes the socket file, if it is the one that we made.
 */
void listener_withdraw(struct listener *listener);

/* Withdraws, and frees the listener. */
void listener_free(struct listener *listener);

/*
 * Returns the client's descriptor (close-on-exec; non-blocking if @flags has
 * SOCK_NONBLOCK), -EAGAIN when nobody waits, or another negative errno. Errors that
 * concern one client alone (it has gone; the network lost it) read as -ECONNABORTED.
 */
int listener_accept(const struct listener *listener, int flags, struct address *out_peer);

/* The bound address, with the real port. */
int listener_address(const struct listener *listener, struct address *out);

/* "tcp:127.0.0.1:4000", with the real port. */
char *listener_text(const struct listener *listener, char out[static ADDRESS_TEXT_MAX]);
