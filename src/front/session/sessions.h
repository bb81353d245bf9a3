#pragma once

/*
 * All sessions of a front. A session in a worker comes back to the main thread when it is over. For
 * the main thread.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "base/list.h"
#include "front/session/lingering-close.h"
#include "front/session/session.h"
#include "net/poller.h"

typedef void session_ended_fn(struct session *session);

/* Zeroed before sessions_init(). */
struct sessions {
	struct session_host host;
	session_ended_fn *ended; /* called once for each session, which is freed afterwards */
	struct list serving;
	struct lingering lingering;
	size_t count;

	_Atomic(struct session *) over; /* ended by workers, the last one first */
	struct watch wake;              /* owns an eventfd: readable when there is one in @over */
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
int sessions_start(struct sessions *sessions, struct front_service *service, int fd,
		   const struct address *peer);

/* Stops the workers and ends all sessions, with SESSION_GRACE. No session may start afterwards. */
void sessions_end_all(struct sessions *sessions);
