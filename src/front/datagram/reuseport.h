#pragma once

/*
 * The sockets among which the kernel divides the datagrams of a listener (SO_REUSEPORT), each read
 * by one of the workers, or in the main loop where there are none.
 *
 * A worker holds the lock of a socket while it reads. So after reuseport_halt() or
 * reuseport_close() no socket is read any more, and the sockets may be closed. All functions are
 * for the main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datagram_room;
struct datagram_socket;
struct poller;
struct workers;

/* Who reads the sockets of all listeners of a front. */
struct reuseport_readers {
	struct poller *poller;
	struct workers *workers;
	struct datagram_room **rooms; /* by worker; NULL until one reads */
};

/* Neither becomes its own. */
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
 * Reads one socket more. @owned: it is closed by reuseport_close(). On failure, a negative errno,
 * it is not read, and stays the caller's.
 */
int reuseport_add(struct reuseport *reuseport, const struct datagram_socket *socket, bool owned);

void reuseport_halt(struct reuseport *reuseport);
void reuseport_resume(struct reuseport *reuseport);

/* Lets go of all sockets. */
void reuseport_close(struct reuseport *reuseport);

/* Called when the workers have stopped. */
void reuseport_fini(struct reuseport *reuseport);
