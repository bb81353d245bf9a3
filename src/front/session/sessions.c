#include "front/session/sessions.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "front/core/service.h"

/* The buffer of the main thread. Sessions have no buffers of their own. */
static char incoming[LOOP_INCOMING];

static void release(struct sessions *sessions, struct session *session)
{
	list_unlink(&session->link);
	sessions->count--;
	sessions->ended(session);
	session_free(session);
}

/* Runs in a worker. When the session is on the list, the main thread may free it. */
static void send_home(struct sessions *sessions, struct session *session)
{
	struct session *before = atomic_load(&sessions->over);
	const uint64_t one = 1;

	do
		session->next_over = before;
	while (!atomic_compare_exchange_weak(&sessions->over, &before, session));
	if (!before)
		(void)!write(sessions->wake.fd, &one, sizeof(one));
}

/* In the loop of the session. */
static void on_over(struct session *session)
{
	struct sessions *sessions = container_of(session->host, struct sessions, host);

	session_close(session);
	if (session->loop == &sessions->host.loop)
		release(sessions, session);
	else
		send_home(sessions, session);
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

		release(sessions, session);
		session = next;
	}
}

static void on_wake(struct watch *watch)
{
	uint64_t count;

	(void)!read(watch->fd, &count, sizeof(count));
	release_over(container_of(watch, struct sessions, wake));
}

int sessions_start(struct sessions *sessions, struct front_service *service, int fd,
		   const struct address *peer)
{
	struct session *session;

	session = session_new(&sessions->host, service, fd, peer);
	if (!session) {
		close(fd);
		return -ENOMEM;
	}

	list_add_before(&sessions->serving, &session->link);
	sessions->count++;
	if (builtin_has(service->settings->builtin, BUILTIN_ONCE))
		lingering_answer(&sessions->lingering, session);
	else
		session_start(session);
	return 0;
}

/* The workers have stopped, so every session belongs to the main thread now. */
static void end_list(struct sessions *sessions, struct list *list)
{
	while (list_is_linked(list)) {
		struct session *session = container_of(list->next, struct session, link);

		session->limit = SESSION_GRACE;
		session->io.error = 0;
		session_close(session);
		release(sessions, session);
	}
}

void sessions_end_all(struct sessions *sessions)
{
	workers_stop(sessions->host.workers);
	release_over(sessions);
	end_list(sessions, &sessions->serving);
	end_list(sessions, &sessions->lingering.sessions);
	lingering_fini(&sessions->lingering);
}

int sessions_init(struct sessions *sessions, struct poller *poller, struct timers *timers,
		  struct workers *workers, session_ended_fn *ended)
{
	int fd, r;

	*sessions = (struct sessions){
		.host = { .loop = { .poller = poller, .incoming = incoming },
			  .timers = timers,
			  .workers = workers,
			  .on_over = on_over },
		.ended = ended,
	};
	list_init(&sessions->serving);
	lingering_init(&sessions->lingering, timers);

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
