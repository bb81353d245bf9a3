#pragma once

/*
 * Several sockets share the datagrams of one listener (SO_REUSEPORT). A worker reads each of them,
 * or the main thread if there are no workers.
 *
 * A worker holds the lock of a socket while it reads. So after reuseport_halt() or
 * reuseport_close() no socket is read any more, and the sockets may be closed. All functions are
 * for the main thread.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datagram_room;
struct datagram_socket;
struct poller;
struct workers;

/* The threads that read the sockets of all listeners of a front. */
struct reuseport_readers {
	struct poller *poller;
	struct workers *workers;
	struct datagram_room **rooms; /* by worker; NULL until one reads */
	atomic_bool found_shut;       /* a socket was shut down, and is not read any more */
};

/* The caller keeps what it passes. */
void reuseport_readers_init(struct reuseport_readers *readers, struct poller *poller,
			    struct workers *workers);

/* Called when the workers have stopped. */
void reuseport_readers_fini(struct reuseport_readers *readers);

/* The sockets of one listener. */
struct reuseport {
	struct reuseport_readers *readers;
	struct reuseport_socket *first;
	size_t number;   /* of the listener, so that each begins with another worker */
	size_t n_wanted; /* workers; 0: the main loop reads all */
};

void reuseport_init(struct reuseport *reuseport, struct reuseport_readers *readers, size_t number,
		    size_t n_wanted);

/*
 * Adds a socket and reads it. If it is @owned, reuseport_close() closes it. Returns 0 or a negative
 * errno. On failure the caller keeps the socket.
 */
int reuseport_add(struct reuseport *reuseport, const struct datagram_socket *socket, bool owned);

void reuseport_halt(struct reuseport *reuseport);
void reuseport_resume(struct reuseport *reuseport);

/* Stops reading all sockets, and closes those that it owns. More sockets may be added then. */
void reuseport_close(struct reuseport *reuseport);

/* Called when the workers have stopped. */
void reuseport_fini(struct reuseport *reuseport);
