#pragma once

/*
 * A session is one client of a built-in over a connection: TCP, Unix stream or
 * seqpacket. It has its first turn in the main thread. One that is not over then goes on in
 * the loop of the worker with the fewest, or in the main thread's where there are
 * none, and comes back to the main thread when it is over. It holds a buffer only
 * while the client does not take what it was sent, and reads nothing meanwhile.
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

/* All sessions of a front. Zeroed and initialised by sessions_init(). */
struct sessions {
	struct loop loop; /* the main thread's */
	struct workers *workers;
	struct timers *timers;
	session_ended_fn *ended; /* called once per session, which is freed right after */
	struct list serving;
	struct list lingering; /* answered; wait for the client to close, the oldest first */
	struct timer linger_timer;
	size_t count;

	_Atomic(struct session *) over; /* in workers, the last one first; workers write this */
	struct watch wake;              /* owns an eventfd that tells when there is the first */
};

enum session_limit {
	SESSION_UNLIMITED,
	SESSION_IDLE,
	SESSION_LIFETIME,
	SESSION_GRACE, /* of a front that ends */
};

struct session {
	/* The main thread's. */
	struct list link;
	struct sessions *sessions;
	const struct service *service;
	struct timer limit_timer;
	enum session_limit limit; /* that ended it */
	uint32_t n_lingered;
	int64_t started_ms;
	int64_t linger_until_ms;

	/* For the loop that it is in, until it is over. */
	struct watch watch; /* owns the descriptor in it */
	struct loop *loop;
	const struct builtin *builtin;
	struct session_rest *rest; /* what the client did not take yet, or NULL */
	uint64_t bytes_in;
	uint64_t bytes_out;
	struct session *next_over;
	int error; /* a negative errno that ended it, or 0 */
	bool keeps_records;
	bool at_end; /* the client has said its last */

	/* For both. */
	_Atomic bool cut;          /* by the main thread: its next turn is the end */
	_Atomic bool closed;       /* the descriptor: set before that is done */
	_Atomic int64_t active_ms; /* when bytes last went either way */

	socklen_t n_peer;
	unsigned char peer[];
};

/* Without @workers everything stays in @poller. Returns 0 or a negative errno. */
int sessions_init(struct sessions *sessions, struct poller *poller, struct timers *timers,
		  struct workers *workers, session_ended_fn *ended);

/* Of what is no session any more. Before the poller and the workers are freed. */
void sessions_fini(struct sessions *sessions);

/*
 * Serves the client on @fd (non-blocking) and has the first turn at once; the session may
 * be over when this returns. Takes @fd, also on failure: a negative errno.
 */
int session_start(struct sessions *sessions, const struct service *service, int fd,
		  const struct address *peer);

/* Of a session in the main thread: it is over, and freed. */
void session_end(struct session *session, int error);

struct address session_peer(const struct session *session);

/* Stops the workers and ends all sessions, as past their grace time: no more are started. */
void sessions_end_all(struct sessions *sessions);
