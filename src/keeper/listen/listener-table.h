#pragma once

/*
 * The listener table keeps every listener over reloads. An endpoint that two settings name
 * alike is one listener, the same open file; a listener that no settings name any
 * more is closed. One that cannot be bound yet is tried again with a growing pause.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/table.h"
#include "net/listener.h"
#include "net/timer.h"

struct drop_counts;
struct listener_table;
struct service;

struct bound_listener {
	struct listener *listener;
	char *key;
	struct listener_table *listener_table;
	unsigned generations; /* that name it */
	struct listener_options options;
	unsigned sockets;    /* that are to share the endpoint */
	size_t n_read;       /* of its sockets, how many the front that serves reads */
	bool kept;           /* by listener_table_abandon() */
	bool reads_others;   /* superd reads further sockets that are left from other settings */
	int rcvbuf_short_of; /* what was asked for and not granted, once that is said */
	int sndbuf_short_of;
	unsigned port; /* once bound: the real one; 0 for Unix */
	struct timer retry;
	int64_t pause_ms;
	int64_t soon_ms; /* in which it is tried next, after something has changed; or 0 */
	int error;       /* why it is not bound, a negative errno, or 0 */
	char *service;   /* who asked for it last, for the log */
	UT_hash_handle hh;
};

/* Called when a listener that had to wait is bound. */
typedef void listener_table_bound_fn(struct bound_listener *bound, void *arg);

struct listener_table {
	struct bound_listener *by_key;
	struct timers *timers;
	listener_table_bound_fn *bound;
	void *arg;
	struct drop_counts *drop_counts;
	struct activation *activation; /* sockets passed by systemd, or NULL */
};

/*
 * Finds or opens the listener for endpoint @number of @service. A socket that must
 * wait for its address is no failure; any other error is logged and returned, and
 * nothing has changed. The caller holds it until listener_table_release().
 */
int listener_table_take(struct listener_table *listener_table, const struct service *service,
			size_t number, struct bound_listener **out);
void listener_table_release(struct bound_listener *bound);

/* Applies what the service's settings say now to a listener that was there before. */
void listener_table_apply(struct bound_listener *bound, const struct service *service,
			  size_t number);

/*
 * The fronts that are there now read all the sockets of the listener; or, after
 * listener_table_apply() was for nothing, as many as before. Closes the rest, which nobody reads.
 */
void listener_table_settle(struct bound_listener *bound, bool applied);

/*
 * Closes the listeners that no generation names. One that waits for its address is tried again
 * soon: it may have been theirs.
 */
void listener_table_sweep(struct listener_table *listener_table);

/*
 * In a process that has the listeners by a fork: closes its descriptors of all but the @n in
 * @kept, and changes nothing for those who serve them.
 */
void listener_table_abandon(struct listener_table *listener_table,
			    struct bound_listener *const *kept, size_t n);

/* Closes every socket, and removes the socket files that are ours. */
void listener_table_close(struct listener_table *listener_table);

/* How many listeners wait for their address. */
size_t listener_table_count_unbound(const struct listener_table *listener_table);
