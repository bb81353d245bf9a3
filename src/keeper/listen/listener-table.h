#pragma once

/*
 * The listener table keeps listeners over reloads. If old and new settings have the same endpoint,
 * they share one listener, the same open file. A listener that no settings name any more is
 * closed. A listener that cannot be bound yet is tried again, with growing pauses.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/backoff.h"
#include "base/table.h"
#include "keeper/listen/listener-policy.h"
#include "net/listener.h"
#include "net/timer.h"

struct activation;
struct listener_table;
struct service;
struct socket_record;

struct bound_listener {
	struct listener *listener;
	char *key;
	struct listener_table *listener_table;
	unsigned generations; /* that name it */
	struct listener_policy policy;
	size_t n_read; /* of its sockets, how many the front that serves reads */
	bool covered;  /* a passed socket of its pair serves its clients, so it needs none */
	struct socket_record *lent; /* what a program of dispatch `wait` has got, or NULL */
	bool kept;                  /* by listener_table_abandon() */
	struct timer retry;
	struct backoff pause;
	struct backoff soon; /* after retry_soon(), instead of @pause */
	int error;           /* why it is not bound, a negative errno, or 0 */
	char *service;       /* the last service that has used it, for the log */
	UT_hash_handle hh;
};

struct listener_table {
	struct bound_listener *by_key;
	struct timers *timers;
	bool starting;                 /* until listener_table_started() */
	int64_t verified_ms;           /* because a front has asked for it */
	struct activation *activation; /* sockets passed by systemd, or NULL */

	/* Called when a listener is bound that could not be bound at once, or was opened anew. */
	void (*on_bound)(struct bound_listener *bound);
};

/* The caller keeps what it passes. */
void listener_table_init(struct listener_table *listener_table, struct timers *timers,
			 struct activation *activation,
			 void (*on_bound)(struct bound_listener *bound));

/*
 * For the start: from begin_start() to started() listener_table_take() keeps silent about addresses
 * that cannot be bound. Then each is logged, with the process that has it as far as that is found
 * within a second, and is tried again if superd serves (@serves).
 */
static inline void listener_table_begin_start(struct listener_table *listener_table)
{
	listener_table->starting = true;
}

void listener_table_started(struct listener_table *listener_table, bool serves);

/*
 * Finds or opens the listener for endpoint @number of @service. It is no failure if the address
 * cannot be bound yet. Any other error is logged and returned, and nothing has changed. The caller
 * calls listener_table_release() when it needs the listener no more.
 */
int listener_table_take(struct listener_table *listener_table, const struct service *service,
			size_t number, struct bound_listener **out);
void listener_table_release(struct bound_listener *bound);

/* Applies new settings of the service to a listener that existed before. */
void listener_table_apply(struct bound_listener *bound, const struct service *service,
			  size_t number);

/*
 * The new settings are in force (@applied), or the reload has failed after listener_table_apply().
 * Closes the sockets that no front reads.
 */
void listener_table_settle(struct bound_listener *bound, bool applied);

/*
 * A process that had the sockets of @bound has ended. Undoes what it may have done to them. Where
 * that is not possible they are opened anew, which is logged, and then on_bound() is called, at
 * once or later. Does nothing while a program of dispatch `wait` has the socket.
 */
void listener_table_verify(struct bound_listener *bound);
void listener_table_verify_all(struct listener_table *listener_table);

/* The same because a front asks for it, at most once a second: it may have been taken over. */
void listener_table_verify_for_front(struct listener_table *listener_table);

/*
 * Closes the listeners that no generation names. Listeners that wait for an address are tried again
 * soon, because one of the closed listeners may have had it.
 */
void listener_table_sweep(struct listener_table *listener_table);

/*
 * For a forked process: closes its descriptors of all listeners but the @n in @kept. Other
 * processes go on serving them.
 */
void listener_table_abandon(struct listener_table *listener_table,
			    struct bound_listener *const *kept, size_t n);

/* Closes every socket, and removes the socket files that superd has made. */
void listener_table_close(struct listener_table *listener_table);

/* How many listeners are not bound yet. */
size_t listener_table_count_unbound(const struct listener_table *listener_table);
