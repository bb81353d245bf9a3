#pragma once

/* Built-ins over datagrams: receives and answers them in batches, unless the guard forbids it. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct datagram_room;
struct front_listener;
struct front_service;
struct watch;

/* The callback of a listener with datagrams for a built-in. */
void datagram_on_ready(struct watch *watch);

/*
 * Tells the guard the address of a bound listener that receives datagrams, also for a program.
 * Ignores other listeners. Returns 0 or a negative errno.
 */
int datagram_guard_own(struct front_listener *listener);

/* One of the sockets that receive the datagrams of a listener. */
struct datagram_socket {
	struct front_service *service;
	int fd;
	_Atomic uint32_t *counted_drops; /* or NULL: see struct drop_counts */
	bool is_wildcard;
	bool is_unix;
	bool is_second; /* a broadcast reaches every socket, and only the first answers it */
};

/* Makes the buffers of one thread, which take memory as they are used. May return NULL. */
struct datagram_room *datagram_room_new(void);
void datagram_room_free(struct datagram_room *room);

/*
 * Receives and answers a limited number of datagrams. @room belongs to the calling thread; NULL
 * stands for the room of the main thread. Returns 0, or a negative errno when the socket failed.
 */
int datagram_serve(const struct datagram_socket *socket, struct datagram_room *room);
