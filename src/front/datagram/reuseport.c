#include "front/datagram/reuseport.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "front/datagram/datagram.h"
#include "front/session/worker.h"

struct reuseport_socket {
	struct reuseport_socket *next;
	struct watch watch;
	struct datagram_socket socket;
	struct datagram_room *room;
	bool in_worker;
	bool owned;
	bool closed;
	struct reuseport_readers *readers;
	pthread_mutex_t lock; /* held while the socket is read */
	bool halted;          /* under the lock */
};

void reuseport_readers_init(struct reuseport_readers *readers, struct poller *poller,
			    struct workers *workers)
{
	*readers = (struct reuseport_readers){ .poller = poller, .workers = workers };
}

void reuseport_readers_fini(struct reuseport_readers *readers)
{
	for (size_t i = 0; readers->rooms && i < workers_count(readers->workers); i++)
		datagram_room_free(readers->rooms[i]);
	free(take_ptr(readers->rooms));
}

static int get_room(struct reuseport_readers *readers, size_t worker, struct datagram_room **out)
{
	if (!readers->rooms)
		readers->rooms = calloc(workers_count(readers->workers), sizeof(*readers->rooms));
	if (!readers->rooms)
		return -ENOMEM;
	if (!readers->rooms[worker])
		readers->rooms[worker] = datagram_room_new();
	*out = readers->rooms[worker];
	return *out ? 0 : -ENOMEM;
}

void reuseport_init(struct reuseport *reuseport, struct reuseport_readers *readers, size_t number,
		    size_t n_wanted)
{
	*reuseport =
		(struct reuseport){ .readers = readers, .number = number, .n_wanted = n_wanted };
}

static void stop_watching(struct reuseport_socket *one)
{
	if (one->in_worker)
		watch_suspend(&one->watch);
	else
		(void)watch_change(&one->watch, 0);
}

/* A socket that was shut down is ready for ever. The main thread tells the keeper. */
static void check_shut(struct reuseport_socket *one)
{
	struct pollfd found = { .fd = one->socket.fd, .events = POLLRDHUP };

	if (poll(&found, 1, 0) <= 0 || !(found.revents & (POLLHUP | POLLRDHUP)))
		return;
	stop_watching(one);
	atomic_store(&one->readers->found_shut, true);
}

static void on_ready(struct watch *watch)
{
	struct reuseport_socket *one = container_of(watch, struct reuseport_socket, watch);

	pthread_mutex_lock(&one->lock);
	/* No log in a worker. */
	if (!one->halted && datagram_serve(&one->socket, one->room) == -EAGAIN)
		check_shut(one);
	pthread_mutex_unlock(&one->lock);
}

/*
 * Earlier settings may have left more sockets than the service wants now. They share the workers
 * that the service wants.
 */
static int watch_in_worker(struct reuseport_socket *one, const struct reuseport *reuseport,
			   size_t n_before)
{
	struct reuseport_readers *readers = reuseport->readers;
	size_t worker = (reuseport->number + n_before % reuseport->n_wanted) %
			workers_count(readers->workers);
	int r;

	r = get_room(readers, worker, &one->room);
	if (r < 0)
		return r;
	one->in_worker = true;
	return watch_add(&one->watch, workers_loop(readers->workers, worker)->poller,
			 one->socket.fd, WATCH_READ, on_ready);
}

int reuseport_add(struct reuseport *reuseport, const struct datagram_socket *socket, bool owned)
{
	AUTO(auto_free) struct reuseport_socket *one = calloc(1, sizeof(*one));
	struct reuseport_readers *readers = reuseport->readers;
	struct reuseport_socket **end = &reuseport->first;
	size_t n_before = 0;
	int r;

	if (!one)
		return -ENOMEM;
	for (; *end; end = &(*end)->next)
		n_before += !(*end)->closed;

	pthread_mutex_init(&one->lock, NULL);
	one->socket = *socket;
	one->socket.is_second = n_before > 0;
	one->owned = owned;
	one->readers = readers;
	if (reuseport->n_wanted > 0 && workers_count(readers->workers) > 0)
		r = watch_in_worker(one, reuseport, n_before);
	else
		r = watch_add(&one->watch, readers->poller, socket->fd, WATCH_READ, on_ready);
	if (r < 0)
		return r;

	*end = take_ptr(one);
	return 0;
}

static void halt(struct reuseport_socket *one)
{
	stop_watching(one);
	pthread_mutex_lock(&one->lock);
	one->halted = true;
	pthread_mutex_unlock(&one->lock);
}

void reuseport_halt(struct reuseport *reuseport)
{
	for (struct reuseport_socket *at = reuseport->first; at; at = at->next)
		if (!at->closed)
			halt(at);
}

static void resume(struct reuseport_socket *one)
{
	pthread_mutex_lock(&one->lock);
	one->halted = false;
	pthread_mutex_unlock(&one->lock);

	if (one->in_worker)
		(void)watch_resume(&one->watch);
	else
		(void)watch_change(&one->watch, WATCH_READ);
}

void reuseport_resume(struct reuseport *reuseport)
{
	for (struct reuseport_socket *at = reuseport->first; at; at = at->next)
		if (!at->closed)
			resume(at);
}

void reuseport_close(struct reuseport *reuseport)
{
	for (struct reuseport_socket *at = reuseport->first; at; at = at->next) {
		if (at->closed)
			continue;
		halt(at);
		if (!at->in_worker)
			watch_remove(&at->watch);
		if (at->owned)
			close(at->socket.fd);
		at->closed = true;
	}
}

void reuseport_fini(struct reuseport *reuseport)
{
	while (reuseport->first) {
		struct reuseport_socket *one = reuseport->first;

		reuseport->first = one->next;
		if (!one->in_worker)
			watch_remove(&one->watch);
		pthread_mutex_destroy(&one->lock);
		free(one);
	}
}
