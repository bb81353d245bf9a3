#pragma once

/* Built-ins over datagrams: received and answered in batches, unless a guard refuses. */

#include <stdbool.h>
#include <stdint.h>

struct datagram_room;
struct front_listener;
struct front_service;
struct reflection_guard;
struct service_drops;

/* One of the sockets that receive the datagrams of a listener. */
struct datagram_socket {
	const struct front_service *service;
	const struct reflection_guard *guard;
	struct service_drops *drops;
	uint32_t drops_counted; /* see queue-drops.h */
	int fd;
	bool is_wildcard;
	bool is_unix;
	bool is_second; /* a broadcast reaches every socket, and only the first answers it */
};

/* @fd is one of the sockets of the listener. The caller keeps @guard and @drops. */
void datagram_socket_init(struct datagram_socket *socket, const struct front_listener *listener,
			  int fd, const struct reflection_guard *guard,
			  struct service_drops *drops);

/* Makes the buffers of one thread, which take memory as they are used. May return NULL. */
struct datagram_room *datagram_room_new(void);
void datagram_room_free(struct datagram_room *room);

/*
 * Receives and answers a limited number of datagrams. @room belongs to the calling thread; NULL
 * stands for the room of the main thread. Returns 0, -EAGAIN when there was none, or another
 * negative errno when the socket failed.
 */
int datagram_serve(struct datagram_socket *socket, struct datagram_room *room);
