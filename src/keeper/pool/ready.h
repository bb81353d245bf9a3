#pragma once

/*
 * The datagram socket on which processes with `ready = notify` send READY=1, as sd_notify(3) does.
 * All processes share it. The kernel says which process has sent a message, and the owner of the
 * socket decides whether to believe it.
 */

#include <sys/types.h>

#include "net/poller.h"

struct ready_socket;

/* Process @writer has sent READY=1. It may be any process. */
typedef void ready_fn(struct ready_socket *ready, pid_t writer);

/* Embedded in its owner. */
struct ready_socket {
	int fd; /* -1: not open yet */
	struct watch watch;
	ready_fn *on_ready;
	char name[16]; /* for NOTIFY_SOCKET: '@' and the name that the kernel has chosen */
};

void ready_init(struct ready_socket *ready, ready_fn *on_ready);

/* Does nothing if the socket is open. Returns 0 or a negative errno. */
int ready_open(struct ready_socket *ready, struct poller *poller);
void ready_close(struct ready_socket *ready);
