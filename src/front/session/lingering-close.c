#include "front/session/lingering-close.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "front/session/builtin.h"
#include "front/session/session.h"

#define READ_MAX (64 * 1024)
#define LINGER_MS 2000
#define LINGER_BYTES_MAX (64 * 1024)

static void on_ready(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	ssize_t n;

	n = recv(watch->fd, session->loop->incoming, READ_MAX, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		session->io.bytes_in += (uint64_t)n;
		session->n_lingered += (uint32_t)n;
		if (session->n_lingered < LINGER_BYTES_MAX)
			return;
	}
	session_end(session, 0);
}

static void end_overdue(struct timer *timer)
{
	struct lingering *lingering = container_of(timer, struct lingering, timer);
	int64_t now_ms = clock_ms();

	while (list_is_linked(&lingering->sessions)) {
		struct session *session =
			container_of(lingering->sessions.next, struct session, link);

		if (session->linger_until_ms > now_ms) {
			(void)timer_set(timer, lingering->timers, session->linger_until_ms,
					end_overdue);
			return;
		}
		session_end(session, 0);
	}
}

/*
 * To close a socket with unread input sends a reset, which destroys an answer that is still on its
 * way. So the session reads, and waits a moment for the client to close.
 */
static void linger(struct lingering *lingering, struct session *session)
{
	int r = 0;

	session->linger_until_ms = session->started_ms + LINGER_MS;
	list_unlink(&session->link);
	list_add_before(&lingering->sessions, &session->link);
	if (!timer_is_set(&lingering->timer))
		r = timer_set(&lingering->timer, lingering->timers, session->linger_until_ms,
			      end_overdue);
	if (r == 0)
		r = watch_add(&session->watch, session->loop->poller, session->watch.fd, WATCH_READ,
			      on_ready);
	if (r < 0)
		session_end(session, r);
}

void lingering_answer(struct lingering *lingering, struct session *session)
{
	struct exchange x = { .now = time(NULL) };
	int fd = session->watch.fd;
	ssize_t n;

	session->io.builtin->answer(&x);
	/* MSG_MORE holds the data back, so that one packet has them and the FIN. */
	n = send(fd, x.out, x.n_out, MSG_NOSIGNAL | MSG_MORE);
	if (n < 0 || shutdown(fd, SHUT_WR) < 0) {
		session_end(session, -errno);
		return;
	}
	session->io.bytes_out += (uint64_t)n;

	n = recv(fd, session->loop->incoming, READ_MAX, 0);
	if (n > 0)
		session->io.bytes_in += (uint64_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		session_end(session, 0);
	else
		linger(lingering, session);
}

void lingering_init(struct lingering *lingering, struct timers *timers)
{
	lingering->timers = timers;
	list_init(&lingering->sessions);
}

void lingering_fini(struct lingering *lingering)
{
	timer_cancel(&lingering->timer);
}
