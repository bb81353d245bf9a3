#include "front/session/session-io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "front/session/builtin.h"
#include "front/session/session.h"
#include "front/session/worker.h"

#define STREAM_READ_MAX (64 * 1024) /* also the most that a session keeps to send later */
#define TURN_MAX (256 * 1024)       /* the most that a session sends in one turn */
#define PATTERN_RECORD_MAX 4096

struct session_rest {
	size_t at;
	size_t n;
	char bytes[];
};

static unsigned over(struct session *session, int error)
{
	session->error = error;
	return 0;
}

/* Returns how many bytes were sent, 0 when the socket is full, or a negative errno. */
static ssize_t give(struct session *session, const char *bytes, size_t n)
{
	ssize_t taken;

	taken = send(session->watch.fd, bytes, n, MSG_NOSIGNAL);
	if (taken < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	session->bytes_out += (uint64_t)taken;
	return taken;
}

static unsigned keep_rest(struct session *session, const char *bytes, size_t n)
{
	struct session_rest *rest;

	rest = malloc(sizeof(*rest) + n);
	if (!rest)
		return over(session, -ENOMEM);

	*rest = (struct session_rest){ .n = n };
	memcpy(rest->bytes, bytes, n);
	session->rest = rest;
	return WATCH_WRITE;
}

static unsigned send_rest(struct session *session)
{
	struct session_rest *rest = session->rest;
	ssize_t taken;

	taken = give(session, rest->bytes + rest->at, rest->n - rest->at);
	if (taken < 0)
		return over(session, (int)taken);
	rest->at += (size_t)taken;
	if (rest->at < rest->n)
		return WATCH_WRITE;

	free(take_ptr(session->rest));
	return WATCH_READ;
}

static unsigned answer_input(struct session *session)
{
	char *incoming = session->loop->incoming;
	size_t size = session->keeps_records ? LOOP_INCOMING : STREAM_READ_MAX;
	struct exchange x;
	ssize_t n;

	/* With MSG_TRUNC the kernel returns the real length of a record. */
	n = recv(session->watch.fd, incoming, size, session->keeps_records ? MSG_TRUNC : 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WATCH_READ;
	if (n <= 0 || (size_t)n > size)
		return over(session, n < 0 ? -errno : n > 0 ? -EMSGSIZE : 0);

	session->bytes_in += (uint64_t)n;
	x.in = incoming;
	x.n_in = (size_t)n;
	session->builtin->answer(&x);
	if (x.n_out == 0)
		return WATCH_READ;

	n = give(session, x.out, x.n_out);
	if (n < 0)
		return over(session, (int)n);
	if ((size_t)n < x.n_out)
		return keep_rest(session, x.out + n, x.n_out - (size_t)n);
	return WATCH_READ;
}

/* Throws input away. A client that has closed its side may still read. */
static int drain_input(struct session *session)
{
	ssize_t n;

	n = recv(session->watch.fd, session->loop->incoming, STREAM_READ_MAX, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		session->at_end = true;
	session->bytes_in += (uint64_t)n;
	return 0;
}

static int send_pattern(struct session *session)
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
		taken = give(session, x.out, x.n_out);
		if (taken < 0)
			return (int)taken;
		budget -= (size_t)taken;
	} while ((size_t)taken == x.n_out && budget > 0);
	return 0;
}

static unsigned go_on_endlessly(struct session *session, unsigned ready)
{
	int r = 0;

	if (ready & WATCH_READ && !session->at_end)
		r = drain_input(session);
	if (r == 0 && ready & WATCH_WRITE)
		r = send_pattern(session);
	if (r < 0)
		return over(session, r);
	return session->at_end ? WATCH_WRITE : WATCH_READ | WATCH_WRITE;
}

unsigned session_io_turn(struct session *session, unsigned ready, int64_t now_ms)
{
	uint64_t before = session->bytes_in + session->bytes_out;
	unsigned wanted;

	if (session->rest)
		wanted = send_rest(session);
	else if (builtin_has(session->service->builtin, BUILTIN_ENDLESS))
		wanted = go_on_endlessly(session, ready);
	else
		wanted = answer_input(session);

	if (session->bytes_in + session->bytes_out != before)
		atomic_store_explicit(&session->active_ms, now_ms, memory_order_relaxed);
	return wanted;
}
