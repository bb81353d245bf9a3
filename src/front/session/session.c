#include "front/session/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/settings.h"
#include "front/session/builtin.h"
#include "front/session/lingering-close.h"
#include "front/session/session-limit.h"
#include "front/session/session-io.h"
#include "net/socket-options.h"

#define FIRST_TURNS_MAX 4 /* in the main thread, before it accepts other clients */

/* The buffer of the main thread. Sessions have no buffers of their own. */
static char incoming[LOOP_INCOMING];

struct address session_peer(const struct session *session)
{
	struct address peer = { .length = session->n_peer };

	memcpy(&peer.any, session->peer, session->n_peer);
	return peer;
}

static void release(struct session *session)
{
	struct sessions *sessions = session->sessions;

	list_unlink(&session->link);
	timer_cancel(&session->limit_timer);
	session->loop->load--;
	sessions->count--;
	sessions->ended(session);
	free(session->rest);
	free(session);
}

static void close_client(struct session *session)
{
	watch_remove(&session->watch);
	atomic_store(&session->closed, true);
	close(session->watch.fd);
}

void session_end(struct session *session, int error)
{
	session->error = error;
	close_client(session);
	release(session);
}

/* Runs in a worker. When the session is on the list, the main thread may free it. */
static void send_home(struct session *session)
{
	struct sessions *sessions = session->sessions;
	struct session *before = atomic_load(&sessions->over);
	const uint64_t one = 1;

	close_client(session);
	do
		session->next_over = before;
	while (!atomic_compare_exchange_weak(&sessions->over, &before, session));
	if (!before)
		(void)!write(sessions->wake.fd, &one, sizeof(one));
}

static struct session *in_order(struct session *last)
{
	struct session *first = NULL;

	while (last) {
		struct session *before = last->next_over;

		last->next_over = first;
		first = last;
		last = before;
	}
	return first;
}

static void release_over(struct sessions *sessions)
{
	struct session *session = in_order(atomic_exchange(&sessions->over, NULL));

	while (session) {
		struct session *next = session->next_over;

		release(session);
		session = next;
	}
}

static void on_wake(struct watch *watch)
{
	uint64_t count;

	(void)!read(watch->fd, &count, sizeof(count));
	release_over(container_of(watch, struct sessions, wake));
}

/* This and on_ready() run in the loop of the session. */
static void leave(struct session *session)
{
	if (session->loop == &session->sessions->loop)
		session_end(session, session->error);
	else
		send_home(session);
}

static void on_ready(struct watch *watch)
{
	struct session *session = container_of(watch, struct session, watch);
	unsigned wanted;
	int r = 0;

	if (atomic_load(&session->cut)) {
		leave(session);
		return;
	}

	wanted = session_io_turn(session, watch->ready, poller_woken_ms(watch->poller));
	if (wanted)
		r = watch_change(watch, wanted);
	if (r < 0)
		session->error = r;
	if (r < 0 || !wanted)
		leave(session);
}

static void hand_to(struct session *session, struct loop *loop)
{
	session->loop->load--;
	session->loop = loop;
	session->loop->load++;
}

/* After this the session belongs to the worker. The main thread must not touch it any more. */
static void go_on(struct session *session, unsigned wanted)
{
	struct loop *loop = workers_least(session->sessions->workers);
	int r;

	if (loop)
		hand_to(session, loop);
	r = watch_add(&session->watch, session->loop->poller, session->watch.fd, wanted, on_ready);
	if (r < 0)
		session_end(session, r);
}

static void take_first_turn(struct session *session)
{
	unsigned wanted = WATCH_READ;
	uint64_t before;
	int turns = 0;

	do {
		before = session->bytes_in;
		wanted = session_io_turn(session, WATCH_READ, session->started_ms);
	} while (wanted == WATCH_READ && session->bytes_in != before && ++turns < FIRST_TURNS_MAX);

	if (wanted)
		go_on(session, wanted);
	else
		session_end(session, session->error);
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
		.loop = &sessions->loop,
		.service = service,
		.builtin = builtin_find(service->builtin),
		.started_ms = clock_ms(),
		.n_peer = peer->length,
	};
	atomic_init(&session->active_ms, session->started_ms);
	memcpy(session->peer, &peer->any, peer->length);
	list_add_before(&sessions->serving, &session->link);
	session->loop->load++;
	sessions->count++;
	return session;
}

static bool keeps_records(int fd)
{
	return socket_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_SEQPACKET;
}

int session_start(struct sessions *sessions, const struct service *service, int fd,
		  const struct address *peer)
{
	struct session *session;
	int r;

	session = session_new(sessions, service, fd, peer);
	if (!session) {
		close(fd);
		return -ENOMEM;
	}

	if (builtin_has(session->service->builtin, BUILTIN_ONCE)) {
		linger_answer(session);
		return 0;
	}

	session->keeps_records = address_is_unix(peer) && keeps_records(fd);
	r = session_limit_start(session);
	if (r < 0)
		session_end(session, r);
	else if (builtin_has(session->service->builtin, BUILTIN_ENDLESS))
		go_on(session, WATCH_READ | WATCH_WRITE);
	else
		take_first_turn(session);
	return 0;
}

static void end_list(struct list *list)
{
	while (list_is_linked(list)) {
		struct session *session = container_of(list->next, struct session, link);

		session->limit = SESSION_GRACE;
		session_end(session, 0);
	}
}

void sessions_end_all(struct sessions *sessions)
{
	workers_stop(sessions->workers);
	release_over(sessions);
	end_list(&sessions->serving);
	end_list(&sessions->lingering);
	timer_cancel(&sessions->linger_timer);
}

int sessions_init(struct sessions *sessions, struct poller *poller, struct timers *timers,
		  struct workers *workers, session_ended_fn *ended)
{
	int fd, r;

	*sessions = (struct sessions){
		.loop = { .poller = poller, .incoming = incoming },
		.workers = workers,
		.timers = timers,
		.ended = ended,
	};
	list_init(&sessions->serving);
	list_init(&sessions->lingering);

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = watch_add(&sessions->wake, poller, fd, WATCH_READ, on_wake);
	if (r < 0)
		close(fd);
	return r;
}

void sessions_fini(struct sessions *sessions)
{
	if (!sessions->wake.poller)
		return;
	watch_remove(&sessions->wake);
	close(sessions->wake.fd);
}
