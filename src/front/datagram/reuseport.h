#pragma once

/*
 * Several sockets share the datagrams of one listener. A worker reads each of them, or the main
 * thread if there are no workers.
 *
 * A worker holds the lock of a socket while it reads. So after reuseport_halt() or
 * reuseport_close() no socket is read any more, and the sockets may be closed. All functions are
 * for the main thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct front;
struct front_listener;

/* Whether the datagrams are read here, and not by the watch of the listener. */
bool reuseport_wanted(const struct front_listener *listener);

/* Reads every socket that the listener has. Returns 0 or a negative errno. */
int reuseport_start(struct front_listener *listener);

/*
 * Adds a socket, whose descriptor in the keeper is @number. Takes over @fd, unless it is the
 * listener's own. Returns 0 or a negative errno; on failure the caller keeps @fd.
 */
int reuseport_add(struct front_listener *listener, int fd, int number);

void reuseport_halt(struct front *front);
void reuseport_resume(struct front *front);

/* Stops reading. The listener keeps its sockets. */
void reuseport_close(struct front_listener *listener);

/* Called when the workers have stopped. */
void reuseport_free(struct front *front);
