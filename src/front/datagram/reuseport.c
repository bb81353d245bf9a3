#include "front/datagram/reuseport.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "front/datagram/datagram.h"
#include "front/state.h"
#include "front/session/worker.h"

struct reuseport_socket {
	struct reuseport_socket *next;
	struct watch watch;
	struct datagram_socket socket;
	struct datagram_room *room;
	bool in_worker;
	bool owns_socket;
	pthread_mutex_t lock; /* held while the socket is read */
	bool halted;          /* under the lock */
};

bool reuseport_wanted(const struct front_listener *listener)
{
	const struct service *settings = listener->service->settings;

	return settings->dispatch == DISPATCH_SESSION &&
	       listener->listener->endpoint.type == SOCK_DGRAM &&
	       (settings->shards > 0 || listener->listener->n_others > 0);
}

static void on_ready(struct watch *watch)
{
	struct reuseport_socket *reuseport_socket =
		container_of(watch, struct reuseport_socket, watch);

	pthread_mutex_lock(&reuseport_socket->lock);
	if (!reuseport_socket->halted)
		(void)datagram_serve(&reuseport_socket->socket,
				     reuseport_socket->room); /* no log in a worker */
	pthread_mutex_unlock(&reuseport_socket->lock);
}

/*
 * Earlier settings may have left more sockets than the service wants now. They share the workers
 * that the service wants.
 */
static size_t choose_worker(const struct front_listener *listener, size_t n_before)
{
	const struct front *front = listener->service->front;
	unsigned wanted = listener->service->settings->shards;

	return (listener->number + n_before % wanted) % workers_count(front->workers);
}

static int get_room(struct front *front, size_t worker, struct datagram_room **out)
{
	if (!front->rooms)
		front->rooms = calloc(workers_count(front->workers), sizeof(*front->rooms));
	if (!front->rooms)
		return -ENOMEM;
	if (!front->rooms[worker])
		front->rooms[worker] = datagram_room_new();
	*out = front->rooms[worker];
	return *out ? 0 : -ENOMEM;
}

static int watch_in_worker(struct reuseport_socket *reuseport_socket,
			   const struct front_listener *listener, size_t n_before)
{
	struct front *front = listener->service->front;
	size_t worker = choose_worker(listener, n_before);
	int r;

	r = get_room(front, worker, &reuseport_socket->room);
	if (r < 0)
		return r;
	reuseport_socket->in_worker = true;
	return watch_add(&reuseport_socket->watch, workers_loop(front->workers, worker)->poller,
			 reuseport_socket->socket.fd, WATCH_READ, on_ready);
}

static int start_one(struct front_listener *listener, int fd, int number,
		     struct reuseport_socket **out)
{
	AUTO(auto_free)
	struct reuseport_socket *reuseport_socket = calloc(1, sizeof(*reuseport_socket));
	struct front *front = listener->service->front;
	struct reuseport_socket **end = &listener->reuseport;
	size_t n_before = 0;
	int r;

	if (!reuseport_socket)
		return -ENOMEM;
	for (; *end; end = &(*end)->next)
		n_before++;

	pthread_mutex_init(&reuseport_socket->lock, NULL);
	reuseport_socket->socket = (struct datagram_socket){
		.service = listener->service,
		.fd = fd,
		.counted_drops = drop_counts_of(front->context.startup->drop_counts, number),
		.is_wildcard = address_is_wildcard(&listener->listener->endpoint.address),
		.is_unix = address_is_unix(&listener->listener->endpoint.address),
		.is_second = n_before > 0,
	};
	if (listener->service->settings->shards > 0 && workers_count(front->workers) > 0)
		r = watch_in_worker(reuseport_socket, listener, n_before);
	else
		r = watch_add(&reuseport_socket->watch, front->context.poller, fd, WATCH_READ,
			      on_ready);
	if (r < 0)
		return r;

	*out = *end = take_ptr(reuseport_socket);
	return 0;
}

int reuseport_start(struct front_listener *listener)
{
	const struct listener *socket = listener->listener;
	int r = 0;

	for (size_t i = 0; r == 0 && i < listener_n_sockets(socket); i++) {
		int fd = listener_socket(socket, i);
		struct reuseport_socket *reuseport_socket;

		r = start_one(listener, fd, fd, &reuseport_socket);
	}
	return r;
}

static void halt(struct reuseport_socket *reuseport_socket)
{
	if (reuseport_socket->in_worker)
		watch_suspend(&reuseport_socket->watch);
	else
		(void)watch_change(&reuseport_socket->watch, 0);

	pthread_mutex_lock(&reuseport_socket->lock);
	reuseport_socket->halted = true;
	pthread_mutex_unlock(&reuseport_socket->lock);
}

static void resume(struct reuseport_socket *reuseport_socket)
{
	pthread_mutex_lock(&reuseport_socket->lock);
	reuseport_socket->halted = false;
	pthread_mutex_unlock(&reuseport_socket->lock);

	if (reuseport_socket->in_worker)
		(void)watch_resume(&reuseport_socket->watch);
	else
		(void)watch_change(&reuseport_socket->watch, WATCH_READ);
}

int reuseport_add(struct front_listener *listener, int fd, int number)
{
	struct reuseport_socket *reuseport_socket;
	int r;

	r = start_one(listener, fd, number, &reuseport_socket);
	if (r < 0)
		return r;
	reuseport_socket->owns_socket = fd != listener->listener->fd;
	if (listener->service->context->mode != MODE_SERVING)
		halt(reuseport_socket);
	return 0;
}

static void for_each(struct front *front, void (*fn)(struct reuseport_socket *reuseport_socket))
{
	for (size_t i = 0; i < front->settings->n_endpoints; i++)
		for (struct reuseport_socket *at = front->listeners[i].reuseport; at; at = at->next)
			fn(at);
}

void reuseport_halt(struct front *front)
{
	for_each(front, halt);
}

void reuseport_resume(struct front *front)
{
	for_each(front, resume);
}

void reuseport_close(struct front_listener *listener)
{
	for (struct reuseport_socket *at = listener->reuseport; at; at = at->next) {
		halt(at);
		if (!at->in_worker)
			watch_remove(&at->watch);
		if (at->owns_socket)
			close(at->socket.fd);
	}
}

static void free_all(struct reuseport_socket *reuseport_socket)
{
	while (reuseport_socket) {
		struct reuseport_socket *next = reuseport_socket->next;

		if (!reuseport_socket->in_worker)
			watch_remove(&reuseport_socket->watch);
		pthread_mutex_destroy(&reuseport_socket->lock);
		free(reuseport_socket);
		reuseport_socket = next;
	}
}

void reuseport_free(struct front *front)
{
	for (size_t i = 0; front->listeners && i < front->settings->n_endpoints; i++)
		free_all(take_ptr(front->listeners[i].reuseport));
	for (size_t i = 0; front->rooms && i < workers_count(front->workers); i++)
		datagram_room_free(front->rooms[i]);
	free(take_ptr(front->rooms));
}
