#pragma once

/*
 * The datagram socket on which one process with `ready = notify` sends READY=1, as sd_notify(3)
 * does. It is open until the process has said so.
 *
 * Its name is abstract, so that the process finds it in every chroot. The name is not to be
 * guessed, but everybody can read it in /proc/net/unix, and write to the socket. The kernel says
 * who has written a message. What others write costs little: after such a message nothing is read
 * for a moment. Then the socket is full, and its writers wait, the process among them.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "net/poller.h"
#include "net/timer.h"

struct ready_socket;

struct ready_events {
	/* Whether @writer is the process that the socket is for. */
	bool (*is_writer)(const struct ready_socket *ready, pid_t writer);

	/* It has sent READY=1. May close the socket. */
	void (*said_ready)(struct ready_socket *ready);

	/* Others write to the socket, again and again. Called once. May close the socket. */
	void (*flooded)(struct ready_socket *ready, pid_t writer, uid_t user);
};

#define READY_NAME_SIZE 48

/* Embedded in its owner. */
struct ready_socket {
	int fd; /* -1: not open */
	struct watch watch;
	struct timers *timers;
	struct timer pause;
	unsigned n_strange; /* messages of others so far */
	const struct ready_events *events;
	char name[READY_NAME_SIZE]; /* for NOTIFY_SOCKET: '@' and the abstract name */
};

void ready_init(struct ready_socket *ready);

/* Returns 0 or a negative errno. */
int ready_open(struct ready_socket *ready, struct poller *poller, struct timers *timers,
	       const struct ready_events *events);

/* Does nothing if the socket is not open. */
void ready_close(struct ready_socket *ready);

/* Looks now for what the process has sent, as it may have ended right after that. */
void ready_look(struct ready_socket *ready);
