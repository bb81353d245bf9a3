#pragma once

/*
 * The socket where processes of `ready = notify` say READY=1, as sd_notify(3) does: one datagram
 * socket for all of them. The kernel tells who wrote; whether the writer's word counts is for
 * whoever is told.
 */

#include <sys/types.h>

#include "net/poller.h"

struct ready_socket;

/* The process @writer says that it is ready, whoever that is. */
typedef void ready_fn(struct ready_socket *ready, pid_t writer);

/* Embedded in its owner. */
struct ready_socket {
	int fd; /* -1 until it is needed */
	struct watch watch;
	ready_fn *on_ready;
	char name[16]; /* as NOTIFY_SOCKET has it: '@' and what the kernel chose */
};

void ready_init(struct ready_socket *ready, ready_fn *on_ready);

/* Harmless when it is open. Returns 0 or a negative errno. */
int ready_open(struct ready_socket *ready, struct poller *poller);
void ready_close(struct ready_socket *ready);
