#include "front/session/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/core/service.h"
#include "net/socket-options.h"

#define FIRST_TURNS_MAX 4 /* in the main thread, before it accepts other clients */

struct address session_peer(const struct session *session)
{
	struct address peer = { .length = session->n_peer };

	memcpy(&peer.any, session->peer, session->n_peer);
	return peer;
}

static bool keeps_records(int fd)
{
	return socket_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_SEQPACKET;
}

struct session *session_new(struct session_host *host, struct front_service *service, int fd,
			    const struct address *peer)
{
	struct session *session;

	session = malloc(sizeof(*session) + peer->length);
	if (!session)
		return NULL;

	*session = (struct session){
		.watch.fd = fd,
		.host = host,
		.loop = &host->loop,
		.service = service,
		.started_ms = clock_ms(),
		.n_peer = peer->length,
	};
	session_io_init(&session->io, fd, service->settings->builtin, session->started_ms);
	session->io.keeps_records = address_is_unix(peer) && keeps_records(fd);
	memcpy(session->peer, &peer->any, peer->length);
	session->loop->load++;
	return session;
}

/* Asked for as late as this, so that a session needs no memory for it while it is served. */
static struct address *find_local(int fd)
{
	struct address *local;

	if (!log_has_fields())
		return NULL;
	local = malloc(sizeof(*local));
	if (!local)
		return NULL;
	local->length = sizeof(local->un);
	if (getsockname(fd, &local->any, &local->length) < 0)
		local->length = 0;
	return local;
}

void session_close(struct session *session)
{
	watch_remove(&session->watch);
	session->local = find_local(session->watch.fd);
	atomic_store(&session->closed, true);
	close(session->watch.fd);
}

void session_free(struct session *session)
{
	timer_cancel(&session->limit_timer);
	session->loop->load--;
	session_io_fini(&session->io);
	free(session->local);
	free(session);
}

void session_end(struct session *session, int error)
{
	session->io.error = error;
	session->host->on_over(session);
}

static int64_t due_ms(const struct session *session, enum session_limit *out)
{
	const struct service *settings = session->service->settings;
	int64_t active_ms = atomic_load_explicit(&session->io.active_ms, memory_order_relaxed);
	int64_t due = INT64_MAX;

	*out = SESSION_UNLIMITED;
	if (settings->idle_timeout_ms > 0) {
		due = active_ms + settings->idle_timeout_ms;
		*out = SESSION_IDLE;
	}
	if (settings->max_lifetime_ms > 0 &&
	    session->started_ms + settings->max_lifetime_ms < due) {
		due = session->started_ms + settings->max_lifetime_ms;
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
	if (session->loop == &session->host->loop) {
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
		(void)timer_set(timer, session->host->timers, due, on_limit);
		return;
	}
	session->limit = limit;
	cut(session);
}

static int start_limit(struct session *session)
{
	enum session_limit limit;
	int64_t due = due_ms(session, &limit);

	if (limit == SESSION_UNLIMITED)
		return 0;
	return timer_set(&session->limit_timer, session->host->timers, due, on_limit);
}

static void on_ready(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	unsigned wanted;
	int r = 0;

	if (atomic_load(&session->cut)) {
		session_end(session, session->io.error);
		return;
	}

	wanted = session_io_turn(&session->io, session->loop->incoming, watch->ready,
				 poller_woken_ms(watch->poller));
	if (wanted)
		r = watch_change(watch, wanted);
	if (r < 0 || !wanted)
		session_end(session, r < 0 ? r : session->io.error);
}

static void move_to(struct session *session, struct loop *loop)
{
	session->loop->load--;
	session->loop = loop;
	session->loop->load++;
}

/* After this the session belongs to the worker. The main thread must not touch it any more. */
static void go_on(struct session *session, unsigned wanted)
{
	struct loop *loop = workers_least(session->host->workers);
	int r;

	if (loop)
		move_to(session, loop);
	r = watch_add(&session->watch, session->loop->poller, session->watch.fd, wanted, on_ready);
	if (r < 0) {
		move_to(session, &session->host->loop);
		session_end(session, r);
	}
}

static unsigned first_turn(struct session *session)
{
	unsigned wanted = WATCH_READ;
	uint64_t before;
	int turns = 0;

	do {
		before = session->io.bytes_in;
		wanted = session_io_turn(&session->io, session->loop->incoming, WATCH_READ,
					 session->started_ms);
	} while (wanted == WATCH_READ && session->io.bytes_in != before &&
		 ++turns < FIRST_TURNS_MAX);
	return wanted;
}

void session_start(struct session *session)
{
	unsigned wanted = WATCH_READ | WATCH_WRITE;
	int r;

	r = start_limit(session);
	if (r < 0) {
		session_end(session, r);
		return;
	}
	if (!session->io.is_endless)
		wanted = first_turn(session);
	if (wanted)
		go_on(session, wanted);
	else
		session_end(session, session->io.error);
}
