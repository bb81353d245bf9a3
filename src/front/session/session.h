#pragma once

/*
 * A session is one client of a built-in over a connection: TCP, Unix stream or seqpacket. It has
 * its first turn in the main thread. If it is not over then, it goes on in the loop of a worker.
 * While the client does not read, the session keeps the unsent answer in a buffer and reads
 * nothing. Otherwise it has no buffer.
 *
 * A session knows no other session. sessions.c has all of them, and is told when one is over.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/list.h"
#include "front/session/session-io.h"
#include "front/session/worker.h"
#include "net/address.h"
#include "net/poller.h"
#include "net/timer.h"

struct front_service;
struct session;

/* What all sessions share. */
struct session_host {
	struct loop loop; /* the main thread's */
	struct timers *timers;
	struct workers *workers;

	/* The session is over, with its error set. Called in its loop. May free it. */
	void (*on_over)(struct session *session);
};

enum session_limit {
	SESSION_UNLIMITED,
	SESSION_IDLE,
	SESSION_LIFETIME,
	SESSION_GRACE, /* superd stops */
};

struct session {
	/* For the main thread. */
	struct list link; /* for sessions.c */
	struct session_host *host;
	struct front_service *service;
	struct timer limit_timer; /* not set without limits */
	enum session_limit limit; /* that ended it */
	uint32_t n_lingered;
	int64_t started_ms;
	int64_t linger_until_ms;

	/* For the loop of the session, until the session is over. */
	struct watch watch; /* owns the descriptor in it */
	struct loop *loop;
	struct session_io io;
	struct address *local;     /* set when it is closed, if the log stores it; or NULL */
	struct session *next_over; /* for sessions.c */

	/* For both. */
	_Atomic bool cut;    /* the main thread wants its next turn to be the last */
	_Atomic bool closed; /* set just before the descriptor is closed */

	socklen_t n_peer;
	unsigned char peer[];
};

/* Makes a session for the client on @fd (non-blocking), which it owns. May return NULL. */
struct session *session_new(struct session_host *host, struct front_service *service, int fd,
			    const struct address *peer);

/* Closes the connection, in the loop of the session. */
void session_close(struct session *session);

/* For the main thread, after session_close(). */
void session_free(struct session *session);

/*
 * For the main thread. Starts the limits, and takes the first turn unless the answer never ends.
 * The session then goes on in the worker with the fewest sessions, or in the main thread if there
 * are no workers. When this returns, the session may have ended and be freed.
 */
void session_start(struct session *session);

/* Ends the session in its loop, with @error. */
void session_end(struct session *session, int error);

struct address session_peer(const struct session *session);
