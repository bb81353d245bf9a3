#pragma once

/*
 * Shares: the sockets among which the kernel divides the datagrams of a listener, each read by
 * one of the workers, or in the main loop where there are none.
 *
 * A worker reads a socket under its lock. So when reuseport_halt() or reuseport_close() returns,
 * none is being read, nor will be, and it may be closed. All functions are for the main thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct front;
struct front_listener;

/* Whether the datagrams of the listener are read here, instead of by the listener's own watch. */
bool reuseport_wanted(const struct front_listener *listener);

/* Reads every socket that the listener has. Returns 0 or a negative errno. */
int reuseport_start(struct front_listener *listener);

/*
 * One socket more, which the keeper has as @number: the listener's own, or one that is the share's
 * now. Returns as above; on failure the caller keeps @fd.
 */
int reuseport_add(struct front_listener *listener, int fd, int number);

void reuseport_halt(struct front *front);
void reuseport_resume(struct front *front);

/* Lets go of all sockets, which stay the listener's. */
void reuseport_close(struct front_listener *listener);

/* Once the workers have stopped. */
void reuseport_free(struct front *front);
