#pragma once

/* Built-ins over datagrams: received and answered in batches, within the guards. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct datagram_room;
struct front_listener;
struct front_service;
struct watch;

/* For the watch of a listener with datagrams for a built-in. */
void datagram_on_ready(struct watch *watch);

/*
 * Tells the guards where a listener receives datagrams, for programs too, once it is bound; ignores
 * others. Returns 0 or a negative errno.
 */
int datagram_guard_own(struct front_listener *listener);

/* One of the sockets that receive the datagrams of a listener. */
struct datagram_socket {
	struct front_service *service;
	int fd;
	_Atomic uint32_t *counted_drops; /* or NULL: see struct drop_counts */
	bool is_wildcard;
	bool is_unix;
	bool is_second; /* broadcasts reach every socket, and the first one answers them */
};

/* The buffers of one thread. It takes memory as it is used. Returns NULL when that is short. */
struct datagram_room *datagram_room_new(void);
void datagram_room_free(struct datagram_room *room);

/*
 * Receives and answers what is there, within a budget. In the thread that @room belongs to: NULL
 * is the main thread's. Returns 0, or the negative errno with which the socket failed.
 */
int datagram_serve(const struct datagram_socket *socket, struct datagram_room *room);
