#include "front/session/session-io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "front/session/builtin.h"
#include "front/session/worker.h"
#include "net/watch.h"

#define STREAM_READ_MAX (64 * 1024) /* also the most that a session keeps to send later */
#define TURN_MAX (256 * 1024)       /* the most that a session sends in one turn */
#define PATTERN_RECORD_MAX 4096

struct session_rest {
	size_t at;
	size_t n;
	char bytes[];
};

static unsigned over(struct session_io *io, int error)
{
	io->error = error;
	return 0;
}

/* Returns how many bytes were sent, 0 when the socket is full, or a negative errno. */
static ssize_t give(struct session_io *io, const char *bytes, size_t n)
{
	ssize_t taken;

	taken = send(io->fd, bytes, n, MSG_NOSIGNAL);
	if (taken < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	io->bytes_out += (uint64_t)taken;
	return taken;
}

static unsigned keep_rest(struct session_io *io, const char *bytes, size_t n)
{
	struct session_rest *rest;

	rest = malloc(sizeof(*rest) + n);
	if (!rest)
		return over(io, -ENOMEM);

	*rest = (struct session_rest){ .n = n };
	memcpy(rest->bytes, bytes, n);
	io->rest = rest;
	return WATCH_WRITE;
}

static unsigned send_rest(struct session_io *io)
{
	struct session_rest *rest = io->rest;
	ssize_t taken;

	taken = give(io, rest->bytes + rest->at, rest->n - rest->at);
	if (taken < 0)
		return over(io, (int)taken);
	rest->at += (size_t)taken;
	if (rest->at < rest->n)
		return WATCH_WRITE;

	free(take_ptr(io->rest));
	return WATCH_READ;
}

static unsigned answer_input(struct session_io *io, char *incoming)
{
	size_t size = io->keeps_records ? LOOP_INCOMING : STREAM_READ_MAX;
	struct exchange x;
	ssize_t n;

	/* With MSG_TRUNC the kernel returns the real length of a record. */
	n = recv(io->fd, incoming, size, io->keeps_records ? MSG_TRUNC : 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WATCH_READ;
	if (n <= 0 || (size_t)n > size)
		return over(io, n < 0 ? -errno : n > 0 ? -EMSGSIZE : 0);

	io->bytes_in += (uint64_t)n;
	x.in = incoming;
	x.n_in = (size_t)n;
	io->builtin->answer(&x);
	if (x.n_out == 0)
		return WATCH_READ;

	n = give(io, x.out, x.n_out);
	if (n < 0)
		return over(io, (int)n);
	if ((size_t)n < x.n_out)
		return keep_rest(io, x.out + n, x.n_out - (size_t)n);
	return WATCH_READ;
}

/* Throws input away. A client that has closed its side may still read. */
static int drain_input(struct session_io *io, char *incoming)
{
	ssize_t n;

	n = recv(io->fd, incoming, STREAM_READ_MAX, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		io->at_end = true;
	io->bytes_in += (uint64_t)n;
	return 0;
}

static int send_pattern(struct session_io *io)
{
	struct exchange x;
	size_t budget = TURN_MAX;
	ssize_t taken;

	do {
		x.sent = io->bytes_out;
		io->builtin->answer(&x);
		if (x.n_out > budget)
			x.n_out = budget;
		/* A record larger than the socket's buffer would never fit. */
		if (io->keeps_records && x.n_out > PATTERN_RECORD_MAX)
			x.n_out = PATTERN_RECORD_MAX;
		taken = give(io, x.out, x.n_out);
		if (taken < 0)
			return (int)taken;
		budget -= (size_t)taken;
	} while ((size_t)taken == x.n_out && budget > 0);
	return 0;
}

static unsigned go_on_endlessly(struct session_io *io, char *incoming, unsigned ready)
{
	int r = 0;

	if (ready & WATCH_READ && !io->at_end)
		r = drain_input(io, incoming);
	if (r == 0 && ready & WATCH_WRITE)
		r = send_pattern(io);
	if (r < 0)
		return over(io, r);
	return io->at_end ? WATCH_WRITE : WATCH_READ | WATCH_WRITE;
}

void session_io_init(struct session_io *io, int fd, enum builtin_kind kind, int64_t now_ms)
{
	*io = (struct session_io){
		.fd = fd,
		.builtin = builtin_find(kind),
		.is_endless = builtin_has(kind, BUILTIN_ENDLESS),
	};
	atomic_init(&io->active_ms, now_ms);
}

void session_io_fini(struct session_io *io)
{
	free(io->rest);
}

unsigned session_io_turn(struct session_io *io, char *incoming, unsigned ready, int64_t now_ms)
{
	uint64_t before = io->bytes_in + io->bytes_out;
	unsigned wanted;

	if (io->rest)
		wanted = send_rest(io);
	else if (io->is_endless)
		wanted = go_on_endlessly(io, incoming, ready);
	else
		wanted = answer_input(io, incoming);

	if (io->bytes_in + io->bytes_out != before)
		atomic_store_explicit(&io->active_ms, now_ms, memory_order_relaxed);
	return wanted;
}
