#pragma once

/*
 * Which process has the socket that is in the way of an endpoint, as /proc tells. Only root sees
 * the sockets of other users' processes.
 */

#include <stdint.h>
#include <sys/types.h>

struct endpoint;

struct socket_owner {
	pid_t pid;
	char name[64]; /* escaped */
};

/*
 * Looks at one process after another until clock_ms() is @until_ms. Returns 0, or -ENOENT if none
 * was found. May open files, so it is for the start only.
 */
int socket_owner_find(const struct endpoint *endpoint, int64_t until_ms, struct socket_owner *out);
