#pragma once

/*
 * A session is one client of a built-in over a connection: TCP, Unix stream or
 * seqpacket. It lives in the front's loop and never blocks it. It holds a buffer only
 * while the client does not take what it was sent, and reads nothing meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/list.h"
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
	struct poller *poller;
	struct timers *timers;
	session_ended_fn *ended; /* called once per session, which is freed right after */
	struct list serving;
	struct list lingering; /* answered; wait for the client to close, the oldest first */
	struct timer linger_timer;
	size_t count;
};

struct session {
	struct watch watch; /* owns the descriptor in it */
	struct list link;
	struct sessions *sessions;
	const struct service *service;
	const struct builtin *builtin;
	struct session_rest *rest; /* what the client did not take yet, or NULL */
	int64_t started_ms;
	int64_t linger_until_ms;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint32_t n_lingered;
	int error; /* a negative errno that ended it, or 0 */
	bool keeps_records;
	bool at_end; /* the client has said its last */
	socklen_t n_peer;
	unsigned char peer[];
};

void sessions_init(struct sessions *sessions, struct poller *poller, struct timers *timers,
		   session_ended_fn *ended);

/*
 * Serves the client on @fd (non-blocking) and has the first turn at once; the session may
 * be over when this returns. Takes @fd, also on failure: a negative errno.
 */
int session_start(struct sessions *sessions, const struct service *service, int fd,
		  const struct address *peer);

struct address session_peer(const struct session *session);

/* Ends all sessions, whatever they are at. */
void sessions_end_all(struct sessions *sessions, int error);
