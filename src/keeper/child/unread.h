#pragma once

/*
 * Datagrams for one program. While a program answers a datagram, further datagrams of the same
 * sender arrive on the connected socket of the program, and the program may leave them unread. A
 * front then reads them from that socket and asks for another program. During a reload, and after
 * the crash of a front, the socket waits here for the next front.
 */

#include <stdbool.h>

#include "base/list.h"

struct child;
struct fronts;

struct unread {
	struct fronts *fronts;
	struct list waiting; /* children that have ended */
	bool stopped;        /* no front will serve again */
};

/* The caller keeps @fronts. */
void unread_init(struct unread *unread, struct fronts *fronts);

/* Frees, and logs, the sockets that wait. */
void unread_fini(struct unread *unread);

/* Sends the socket of @child to a front now, if it has datagrams and a front serves. */
void unread_pass(const struct unread *unread, const struct child *child);

/*
 * @child has ended, or was not started. From now on datagrams of its sender go to the listener.
 * Without this, one could arrive on the socket after the last look at it, and be lost. Called some
 * time before unread_end(), so that a datagram that is being delivered now is still found there.
 *
 * Does nothing while other processes of the program's session run, because they may still answer.
 * What a process that has left the session writes afterwards is lost.
 */
void unread_turn_away(const struct child *child);

/* @child has ended, or was not started. Sends its socket to a front, now or later. Frees @child. */
void unread_end(struct unread *unread, struct child *child);

/* Sends all sockets that wait to a front, if one serves again. */
void unread_pass_all(struct unread *unread);

/* Frees, and logs, the sockets of services and listeners that are gone. */
void unread_sweep(struct unread *unread);

/* For a process that becomes a front: closes the sockets that wait. */
void unread_abandon(struct unread *unread);

/* The fronts drain: what would have to wait is lost. */
void unread_stop(struct unread *unread);
