#include "front/share.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "front/datagram.h"
#include "front/state.h"
#include "front/worker.h"

struct share {
	struct share *next;
	struct watch watch;
	struct datagram_socket socket;
	struct datagram_room *room;
	bool in_worker;
	bool owns_socket;
	pthread_mutex_t lock; /* of the socket */
	bool halted;          /* under the lock */
};

bool shares_wanted(const struct front_listener *listener)
{
	const struct service *settings = listener->service->settings;

	return settings->dispatch == DISPATCH_SESSION &&
	       listener->listener->endpoint.type == SOCK_DGRAM &&
	       (settings->workers > 0 || listener->listener->n_others > 0);
}

static void on_ready(struct watch *watch)
{
	struct share *share = container_of(watch, struct share, watch);

	pthread_mutex_lock(&share->lock);
	if (!share->halted)
		(void)datagram_serve(&share->socket, share->room); /* no log in a worker */
	pthread_mutex_unlock(&share->lock);
}

/* More sockets than are asked for now are left from other settings: as few workers read them. */
static size_t choose_worker(const struct front_listener *listener, size_t n_before)
{
	const struct front *front = listener->service->front;
	unsigned wanted = listener->service->settings->workers;

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

static int watch_in_worker(struct share *share, const struct front_listener *listener,
			   size_t n_before)
{
	struct front *front = listener->service->front;
	size_t worker = choose_worker(listener, n_before);
	int r;

	r = get_room(front, worker, &share->room);
	if (r < 0)
		return r;
	share->in_worker = true;
	return watch_add(&share->watch, workers_loop(front->workers, worker)->poller,
			 share->socket.fd, WATCH_READ, on_ready);
}

static int start_one(struct front_listener *listener, int fd, int number, struct share **out)
{
	AUTO(auto_free) struct share *share = calloc(1, sizeof(*share));
	struct front *front = listener->service->front;
	struct share **end = &listener->shares;
	size_t n_before = 0;
	int r;

	if (!share)
		return -ENOMEM;
	for (; *end; end = &(*end)->next)
		n_before++;

	pthread_mutex_init(&share->lock, NULL);
	share->socket = (struct datagram_socket){
		.service = listener->service,
		.fd = fd,
		.counted_drops = drops_of(front->birth->drops, number),
		.is_wildcard = address_is_wildcard(&listener->listener->endpoint.address),
		.is_unix = address_is_unix(&listener->listener->endpoint.address),
		.is_second = n_before > 0,
	};
	if (listener->service->settings->workers > 0 && workers_count(front->workers) > 0)
		r = watch_in_worker(share, listener, n_before);
	else
		r = watch_add(&share->watch, front->poller, fd, WATCH_READ, on_ready);
	if (r < 0)
		return r;

	*out = *end = take_ptr(share);
	return 0;
}

int shares_start(struct front_listener *listener)
{
	const struct listener *socket = listener->listener;
	int r = 0;

	for (size_t i = 0; r == 0 && i < listener_n_sockets(socket); i++) {
		int fd = listener_socket(socket, i);
		struct share *share;

		r = start_one(listener, fd, fd, &share);
	}
	return r;
}

static void halt(struct share *share)
{
	if (share->in_worker)
		watch_suspend(&share->watch);
	else
		(void)watch_change(&share->watch, 0);

	pthread_mutex_lock(&share->lock);
	share->halted = true;
	pthread_mutex_unlock(&share->lock);
}

static void resume(struct share *share)
{
	pthread_mutex_lock(&share->lock);
	share->halted = false;
	pthread_mutex_unlock(&share->lock);

	if (share->in_worker)
		(void)watch_resume(&share->watch);
	else
		(void)watch_change(&share->watch, WATCH_READ);
}

int shares_add(struct front_listener *listener, int fd, int number)
{
	struct share *share;
	int r;

	r = start_one(listener, fd, number, &share);
	if (r < 0)
		return r;
	share->owns_socket = fd != listener->listener->fd;
	if (listener->service->front->halted)
		halt(share);
	return 0;
}

static void for_each(struct front *front, void (*fn)(struct share *share))
{
	for (size_t i = 0; i < front->settings->n_endpoints; i++)
		for (struct share *at = front->listeners[i].shares; at; at = at->next)
			fn(at);
}

void shares_halt(struct front *front)
{
	for_each(front, halt);
}

void shares_resume(struct front *front)
{
	for_each(front, resume);
}

void shares_close(struct front_listener *listener)
{
	for (struct share *at = listener->shares; at; at = at->next) {
		halt(at);
		if (!at->in_worker)
			watch_remove(&at->watch);
		if (at->owns_socket)
			close(at->socket.fd);
	}
}

static void free_all(struct share *share)
{
	while (share) {
		struct share *next = share->next;

		if (!share->in_worker)
			watch_remove(&share->watch);
		pthread_mutex_destroy(&share->lock);
		free(share);
		share = next;
	}
}

void shares_free(struct front *front)
{
	for (size_t i = 0; front->listeners && i < front->settings->n_endpoints; i++)
		free_all(take_ptr(front->listeners[i].shares));
	for (size_t i = 0; front->rooms && i < workers_count(front->workers); i++)
		datagram_room_free(front->rooms[i]);
	free(take_ptr(front->rooms));
}
