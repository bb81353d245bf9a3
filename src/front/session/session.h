#pragma once

/*
 * A session is one client of a built-in over a connection: TCP, Unix stream or seqpacket.
 *
 * It has its first turn in the main thread. If it is not over then, it moves to the worker with the
 * fewest sessions, or stays in the main thread if there are no workers. When it is over, it comes
 * back to the main thread, which counts, logs and frees it. While the client does not read, the
 * session keeps the unsent answer in a buffer and reads nothing. Otherwise it has no buffer.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/list.h"
#include "front/session/worker.h"
#include "net/address.h"
#include "net/poller.h"
#include "net/timer.h"

struct builtin;
struct service;
struct session;
struct session_rest;

typedef void session_ended_fn(struct session *session);

/* All sessions of a front. */
struct sessions {
	struct loop loop; /* the main thread's */
	struct workers *workers;
	struct timers *timers;
	session_ended_fn *ended; /* called once per session, which is freed right after */
	struct list serving;
	struct list lingering; /* answered, and waiting for the client to close; oldest first */
	struct timer linger_timer;
	size_t count;

	_Atomic(struct session *) over; /* ended by workers, the last one first */
	struct watch wake;              /* owns an eventfd: readable when there is one in @over */
};

enum session_limit {
	SESSION_UNLIMITED,
	SESSION_IDLE,
	SESSION_LIFETIME,
	SESSION_GRACE, /* superd stops */
};

struct session {
	/* For the main thread. */
	struct list link;
	struct sessions *sessions;
	const struct service *service;
	struct timer limit_timer;
	enum session_limit limit; /* that ended it */
	uint32_t n_lingered;
	int64_t started_ms;
	int64_t linger_until_ms;

	/* For the loop of the session, until the session is over. */
	struct watch watch; /* owns the descriptor in it */
	struct loop *loop;
	const struct builtin *builtin;
	struct session_rest *rest; /* what could not be sent yet, or NULL */
	uint64_t bytes_in;
	uint64_t bytes_out;
	struct session *next_over;
	int error; /* a negative errno that ended it, or 0 */
	bool keeps_records;
	bool at_end; /* the client has closed its side */

	/* For both. */
	_Atomic bool cut;          /* the main thread wants its next turn to be the last */
	_Atomic bool closed;       /* set just before the descriptor is closed */
	_Atomic int64_t active_ms; /* when bytes were last sent or received */

	socklen_t n_peer;
	unsigned char peer[];
};

/* Without @workers all sessions stay in @poller. Returns 0 or a negative errno. */
int sessions_init(struct sessions *sessions, struct poller *poller, struct timers *timers,
		  struct workers *workers, session_ended_fn *ended);

/* Called when no session is left, before the poller and the workers are freed. */
void sessions_fini(struct sessions *sessions);

/*
 * Starts a session for the client on @fd (non-blocking), with its first turn. The session may have
 * ended when this returns. Takes over @fd, also on failure. Returns 0 or a negative errno.
 */
int session_start(struct sessions *sessions, const struct service *service, int fd,
		  const struct address *peer);

/* Ends and frees a session that is in the main thread. */
void session_end(struct session *session, int error);

struct address session_peer(const struct session *session);

/* Stops the workers and ends all sessions, with SESSION_GRACE. No session may start afterwards. */
void sessions_end_all(struct sessions *sessions);
