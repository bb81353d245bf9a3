#include "front/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/settings.h"
#include "front/builtin.h"

#define STREAM_READ_MAX (64 * 1024) /* and so the most that a session keeps unsent */
#define RECORD_MAX (256 * 1024)     /* more than the kernel's send buffer takes by default */
#define TURN_MAX (256 * 1024)       /* bytes that one session sends before others have a turn */
#define PATTERN_RECORD_MAX 4096
#define LINGER_MS 2000
#define LINGER_BYTES_MAX (64 * 1024)

struct session_rest {
	size_t at;
	size_t n;
	char bytes[];
};

/* Every session reads into this one, so that an idle one costs no buffer. */
static char incoming[RECORD_MAX];

static void on_input(struct watch *watch);

void sessions_init(struct sessions *sessions, struct poller *poller, struct timers *timers,
		   session_ended_fn *ended)
{
	*sessions = (struct sessions){ .poller = poller, .timers = timers, .ended = ended };
	list_init(&sessions->serving);
	list_init(&sessions->lingering);
}

struct address session_peer(const struct session *session)
{
	struct address peer = { .length = session->n_peer };

	memcpy(&peer.any, session->peer, session->n_peer);
	return peer;
}

static void end(struct session *session, int error)
{
	struct sessions *sessions = session->sessions;

	session->error = error;
	list_unlink(&session->link);
	watch_remove(&session->watch);
	close(session->watch.fd);
	sessions->count--;
	sessions->ended(session);
	free(session->rest);
	free(session);
}

static int want(struct session *session, unsigned wanted, watch_fn *fn)
{
	session->watch.fn = fn;
	if (!session->watch.poller)
		return watch_add(&session->watch, session->sessions->poller, session->watch.fd,
				 wanted, fn);
	return session->watch.wanted == wanted ? 0 : watch_change(&session->watch, wanted);
}

static void want_or_end(struct session *session, unsigned wanted, watch_fn *fn)
{
	int r;

	r = want(session, wanted, fn);
	if (r < 0)
		end(session, r);
}

/* Returns how much the client took, 0 when it takes nothing now, or a negative errno. */
static ssize_t give(struct session *session, const char *bytes, size_t n, int flags)
{
	ssize_t taken;

	taken = send(session->watch.fd, bytes, n, MSG_NOSIGNAL | flags);
	if (taken < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	session->bytes_out += (uint64_t)taken;
	return taken;
}

static void on_room(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	struct session_rest *rest = session->rest;
	ssize_t taken;

	taken = give(session, rest->bytes + rest->at, rest->n - rest->at, 0);
	if (taken < 0) {
		end(session, (int)taken);
		return;
	}
	rest->at += (size_t)taken;
	if (rest->at < rest->n)
		return;

	free(take_ptr(session->rest));
	want_or_end(session, WATCH_READ, on_input);
}

static void keep_rest(struct session *session, const char *bytes, size_t n)
{
	struct session_rest *rest;

	rest = malloc(sizeof(*rest) + n);
	if (!rest) {
		end(session, -ENOMEM);
		return;
	}

	*rest = (struct session_rest){ .n = n };
	memcpy(rest->bytes, bytes, n);
	session->rest = rest;
	want_or_end(session, WATCH_WRITE, on_room);
}

static void on_input(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	size_t size = session->keeps_records ? RECORD_MAX : STREAM_READ_MAX;
	struct exchange x;
	ssize_t n;

	/* MSG_TRUNC makes the kernel tell the real length of a record. */
	n = recv(watch->fd, incoming, size, session->keeps_records ? MSG_TRUNC : 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || (size_t)n > size) {
		end(session, n < 0 ? -errno : n > 0 ? -EMSGSIZE : 0);
		return;
	}

	session->bytes_in += (uint64_t)n;
	x.in = incoming;
	x.n_in = (size_t)n;
	session->builtin->answer(&x);
	if (x.n_out == 0)
		return;

	n = give(session, x.out, x.n_out, 0);
	if (n < 0)
		end(session, (int)n);
	else if ((size_t)n < x.n_out)
		keep_rest(session, x.out + n, x.n_out - (size_t)n);
}

/* Throws input away. Returns whether the session goes on. */
static bool drain_input(struct session *session)
{
	ssize_t n;

	n = recv(session->watch.fd, incoming, STREAM_READ_MAX, 0);
	if (n > 0)
		session->bytes_in += (uint64_t)n;
	if (n == 0)
		session->at_end = true;
	if (n >= 0 || errno == EAGAIN || errno == EINTR)
		return true;
	end(session, -errno);
	return false;
}

static void send_pattern(struct session *session)
{
	struct exchange x;
	size_t budget = TURN_MAX;
	ssize_t taken;

	do {
		x.sent = session->bytes_out;
		session->builtin->answer(&x);
		if (x.n_out > budget)
			x.n_out = budget;
		/* A record larger than the socket's buffer would never fit. */
		if (session->keeps_records && x.n_out > PATTERN_RECORD_MAX)
			x.n_out = PATTERN_RECORD_MAX;
		taken = give(session, x.out, x.n_out, 0);
		if (taken < 0) {
			end(session, (int)taken);
			return;
		}
		budget -= (size_t)taken;
	} while ((size_t)taken == x.n_out && budget > 0);
}

/* The client may close its side and still read on. */
static void on_pattern_room(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	unsigned ready = watch->ready;

	if (ready & WATCH_READ && !session->at_end) {
		if (!drain_input(session))
			return;
		if (session->at_end && want(session, WATCH_WRITE, on_pattern_room) < 0) {
			end(session, -ENOMEM);
			return;
		}
	}
	if (ready & WATCH_WRITE)
		send_pattern(session);
}

static void on_linger(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	ssize_t n;

	n = recv(watch->fd, incoming, STREAM_READ_MAX, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		session->bytes_in += (uint64_t)n;
		session->n_lingered += (uint32_t)n;
		if (session->n_lingered < LINGER_BYTES_MAX)
			return;
	}
	end(session, 0);
}

static void end_overdue(struct timer *timer)
{
	struct sessions *sessions = container_of(timer, struct sessions, linger_timer);
	int64_t now_ms = clock_ms();

	while (list_is_linked(&sessions->lingering)) {
		struct session *session =
			container_of(sessions->lingering.next, struct session, link);

		if (session->linger_until_ms > now_ms) {
			(void)timer_set(timer, sessions->timers, session->linger_until_ms,
					end_overdue);
			return;
		}
		end(session, 0);
	}
}

/*
 * Closing at once would answer what the client sent, or sends, with a reset that
 * destroys the answer on its way: so wait for its own end, for a moment.
 */
static void linger(struct session *session)
{
	struct sessions *sessions = session->sessions;

	session->linger_until_ms = session->started_ms + LINGER_MS;
	list_unlink(&session->link);
	list_add_before(&sessions->lingering, &session->link);
	if (sessions->linger_timer.place == 0 &&
	    timer_set(&sessions->linger_timer, sessions->timers, session->linger_until_ms,
		      end_overdue) < 0) {
		end(session, -ENOMEM);
		return;
	}
	want_or_end(session, WATCH_READ, on_linger);
}

static void answer_once(struct session *session)
{
	struct exchange x = { .now = time(NULL) };
	ssize_t n;

	session->builtin->answer(&x);
	/* MSG_MORE holds the data back, so that they travel with the FIN. */
	n = give(session, x.out, x.n_out, MSG_MORE);
	if (n < (ssize_t)x.n_out || shutdown(session->watch.fd, SHUT_WR) < 0) {
		end(session, n < 0 ? (int)n : -errno);
		return;
	}

	n = recv(session->watch.fd, incoming, STREAM_READ_MAX, 0);
	if (n > 0)
		session->bytes_in += (uint64_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end(session, 0);
	else
		linger(session);
}

static struct session *session_new(struct sessions *sessions, const struct service *service, int fd,
				   const struct address *peer)
{
	struct session *session;

	session = malloc(sizeof(*session) + peer->length);
	if (!session)
		return NULL;

	*session = (struct session){
		.watch.fd = fd,
		.sessions = sessions,
		.service = service,
		.builtin = builtin_find(service->builtin),
		.started_ms = clock_ms(),
		.n_peer = peer->length,
	};
	memcpy(session->peer, &peer->any, peer->length);
	list_add_before(&sessions->serving, &session->link);
	sessions->count++;
	return session;
}

static bool keeps_records(int fd)
{
	int type = 0;
	socklen_t length = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

int session_start(struct sessions *sessions, const struct service *service, int fd,
		  const struct address *peer)
{
	struct session *session;

	session = session_new(sessions, service, fd, peer);
	if (!session) {
		close(fd);
		return -ENOMEM;
	}

	if (session->builtin->flags & BUILTIN_ONCE) {
		answer_once(session);
		return 0;
	}
	session->keeps_records = address_is_unix(peer) && keeps_records(fd);
	if (session->builtin->flags & BUILTIN_ENDLESS)
		want_or_end(session, WATCH_READ | WATCH_WRITE, on_pattern_room);
	else
		want_or_end(session, WATCH_READ, on_input);
	return 0;
}

static void end_list(struct list *list, int error)
{
	while (list_is_linked(list))
		end(container_of(list->next, struct session, link), error);
}

void sessions_end_all(struct sessions *sessions, int error)
{
	end_list(&sessions->serving, error);
	end_list(&sessions->lingering, error);
	timer_cancel(&sessions->linger_timer);
}
