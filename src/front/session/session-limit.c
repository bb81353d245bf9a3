#include "front/session/session-limit.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "config/settings.h"
#include "front/session/session.h"

static int64_t due_ms(const struct session *session, enum session_limit *out)
{
	const struct service *service = session->service;
	int64_t active_ms = atomic_load_explicit(&session->active_ms, memory_order_relaxed);
	int64_t due = INT64_MAX;

	*out = SESSION_UNLIMITED;
	if (service->idle_timeout_ms > 0) {
		due = active_ms + service->idle_timeout_ms;
		*out = SESSION_IDLE;
	}
	if (service->max_lifetime_ms > 0 && session->started_ms + service->max_lifetime_ms < due) {
		due = session->started_ms + service->max_lifetime_ms;
		*out = SESSION_LIFETIME;
	}
	return due;
}

/*
 * Only the worker may end a session in its loop. So the main thread marks the session as cut and
 * shuts the socket down, which wakes the worker. The worker then closes the socket without reading:
 * with unread input the kernel sends a reset, and a client that goes on sending notices the end.
 *
 * The worker may close the descriptor between the test of @closed and shutdown(). The number then
 * belongs to no other socket, because workers open no descriptors, and the main thread opens none
 * meanwhile.
 */
static void cut(struct session *session)
{
	if (session->loop == &session->sessions->loop) {
		session_end(session, 0);
		return;
	}
	atomic_store(&session->cut, true);
	if (!atomic_load(&session->closed))
		(void)shutdown(session->watch.fd, SHUT_RDWR);
}

/* Activity does not move the timer. So the timer looks at the last activity when it is due. */
static void on_limit(struct timer *timer)
{
	struct session *session = container_of(timer, struct session, limit_timer);
	enum session_limit limit;
	int64_t due = due_ms(session, &limit);

	if (due > clock_ms()) {
		(void)timer_set(timer, session->sessions->timers, due, on_limit);
		return;
	}
	session->limit = limit;
	cut(session);
}

int session_limit_start(struct session *session)
{
	enum session_limit limit;
	int64_t due = due_ms(session, &limit);

	if (limit == SESSION_UNLIMITED)
		return 0;
	return timer_set(&session->limit_timer, session->sessions->timers, due, on_limit);
}
