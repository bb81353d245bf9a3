#pragma once

/*
 * A listener owns the bound socket of one endpoint.
 *
 * The keeper opens listeners and keeps them over reloads. A front is a fork of the keeper and
 * inherits the descriptors. Listening sockets are non-blocking and close-on-exec.
 */

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net/endpoint.h"
#include "net/origin.h"
#include "net/socket-options.h"

struct listener {
	struct endpoint endpoint;
	int fd;               /* -1: not bound yet */
	struct origin origin; /* of its connections, since it was bound */
	int *others;          /* further sockets for the same datagrams */
	size_t n_others;
	struct buffer_sizes initial;
	bool adopted;      /* another process made the socket */
	bool busy;         /* a program of dispatch `wait` accepts its clients */
	unsigned port;     /* the real one, also while it has no socket; 0: not known */
	dev_t file_device; /* of the socket file that this listener has made, if any */
	ino_t file_inode;
};

/* Makes a listener without a socket. Copies @endpoint. */
int listener_new(struct listener **out, const struct endpoint *endpoint);

/*
 * Binds and listens. Replaces a Unix socket whose process has gone. -EADDRINUSE: another process
 * serves the Unix socket. -EEXIST: the file is not a socket. On failure (a negative errno) the
 * listener has no socket and may be tried again.
 */
int listener_open(struct listener *listener, const struct listener_options *options);

/* Whether a later attempt may succeed: the address is in use or does not exist yet, ... */
bool listener_may_retry(int error);

/* Takes over @fd. On failure (a negative errno) the caller keeps it. */
int listener_adopt(struct listener *listener, int fd, const struct listener_options *options);

/* Applies the options that can change on a bound socket. */
int listener_apply(struct listener *listener, const struct listener_options *options);

/*
 * Opens more sockets until the listener has @n for its datagrams (SO_REUSEPORT), so that several
 * threads read them without waiting for each other. The kernel gives all datagrams of one sender to
 * one socket, so all of them must be read. Does nothing for a listener that is not bound, has
 * connections, or is a Unix socket. Returns 0, or a negative errno: then there are fewer sockets,
 * at least one.
 */
int listener_open_others(struct listener *listener, const struct listener_options *options,
			 size_t n);

/* Returns another such socket at @address, which the caller owns, or a negative errno. */
int listener_open_beside(const struct listener *listener, const struct address *address,
			 const struct listener_options *options);

/* Closes all sockets but the first @n, never the first one. Datagrams in the others are lost. */
void listener_close_others(struct listener *listener, size_t n);

static inline size_t listener_n_sockets(const struct listener *listener)
{
	return listener->fd < 0 ? 0 : 1 + listener->n_others;
}

/* @i is less than listener_n_sockets(). */
static inline int listener_socket(const struct listener *listener, size_t i)
{
	return i == 0 ? listener->fd : listener->others[i - 1];
}

/* Closes the sockets but leaves a socket file: for the front, which does not own the file. */
void listener_close(struct listener *listener);

/*
 * Closes the socket. Clients are refused at once, even if other processes have it open. Removes
 * the socket file, if it is the one that this listener has made.
 */
void listener_withdraw(struct listener *listener);

/* Withdraws, and frees the listener. */
void listener_free(struct listener *listener);

/*
 * Returns the descriptor of a client (close-on-exec; non-blocking if @flags has SOCK_NONBLOCK),
 * -EAGAIN when no client waits, or another negative errno. -ECONNABORTED stands for all errors
 * that concern one client only, such as a client that has gone.
 */
int listener_accept(const struct listener *listener, int flags, struct address *out_peer);

/* The bound address, with the real port. Returns 0 or a negative errno. */
int listener_address(const struct listener *listener, struct address *out);

/* "tcp:127.0.0.1:4000", with the real port. Returns @out. */
char *listener_text(const struct listener *listener, char out[static ADDRESS_TEXT_MAX]);
