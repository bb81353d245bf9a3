#pragma once

/*
 * A session is one client of a built-in over a connection: TCP, Unix stream or
 * seqpacket. It has its first turn in the main thread. One that is not over then goes on in
 * the loop of a worker. It holds a buffer only while the client does not take
 * what it was sent, and reads nothing meanwhile.
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

/* What a session is given. */
struct session_host {
	struct loop loop; /* the main thread's */
	struct timers *timers;
	struct workers *workers;

	/* It is over, with its error set. In the loop of the session, which may free it. */
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
	struct timer limit_timer; /* wherever the session is; one without limits sets none */
	enum session_limit limit; /* that ended it */
	uint32_t n_lingered;
	int64_t started_ms;
	int64_t linger_until_ms;

	/* For the loop of the session, until the session is over. */
	struct watch watch; /* owns the descriptor in it */
	struct loop *loop;
	struct session_io io;
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

/* Once it is closed, in the main thread. */
void session_free(struct session *session);

/*
 * In the main thread: starts the limits, has the first turn unless the answer never ends, and goes
 * on in the loop of the worker with the fewest, or here where there are none. The session may be
 * over, and freed, when this returns.
 */
void session_start(struct session *session);

/* It ends in its loop, with @error. */
void session_end(struct session *session, int error);

struct address session_peer(const struct session *session);
