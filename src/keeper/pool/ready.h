#pragma once

/*
 * Where the children of `ready = notify` say READY=1, as sd_notify(3) does: one datagram
 * socket of the keeper's, for all of them. The kernel tells who wrote, and only the
 * child's own word counts.
 */

#include "net/poller.h"

struct keeper;

struct ready_socket {
	int fd; /* -1 until it is needed */
	struct watch watch;
	char name[16]; /* as NOTIFY_SOCKET has it: '@' and what the kernel chose */
};

/* Harmless when it is open. Returns 0 or a negative errno. */
int ready_open(struct keeper *keeper);
void ready_close(struct keeper *keeper);
