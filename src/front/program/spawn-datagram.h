#pragma once

/*
 * Programs for datagrams. Each datagram goes to the keeper as a sealed file in memory, with the
 * address of its sender and the address that it was sent to. A datagram that a program has left
 * unread waits in a queue of the service while all `instances` are in use. A datagram whose answer
 * could begin a loop gets no program: see reflection-guard.h.
 *
 * For the dispatch kind `spawn`, whose services have a struct spawn_datagrams as their data and
 * a struct spawner as their owner.
 */

#include <stdint.h>

#include "front/datagram/queue-drops.h"
#include "front/program/datagram-queue.h"

struct reflection_guard;

struct channel_message;
struct front_listener;
struct front_service;
struct watch;

/* One for each front. */
struct spawner {
	struct queue_drops *drops;
	const struct reflection_guard *guard;
	int spare_memfd; /* empty, for the next datagram, so that it cannot be lost; or -1 */
};

/* The caller keeps @drops and @guard. */
void spawner_init(struct spawner *spawner, struct queue_drops *drops,
		  const struct reflection_guard *guard);
void spawner_fini(struct spawner *spawner);

struct spawn_datagrams {
	struct datagram_queue queue;
	struct service_drops drops;
	int64_t reflection_said_ms;    /* when the log last named a datagram that gets no answer */
	unsigned reflections_unlogged; /* since then */
	uint32_t drops_counted[];      /* by listener: see queue-drops.h */
};

/* For struct dispatch. */
int spawn_datagram_prepare_service(struct front_service *service);
int spawn_datagram_prepare(struct front_listener *listener);
void spawn_datagram_forget_service(struct front_service *service);
void spawn_datagram_on_ready(struct watch *watch);
void spawn_datagram_slot_returned(struct front_service *service);

/* Drops and logs the datagrams that still wait. */
void spawn_datagram_drain(struct front_service *service, bool has_successor);

/* CHANNEL_UNREAD: serves the datagrams that are left on the socket @fd, and closes it. */
void spawn_datagram_unread(struct front_listener *listener, const struct channel_message *message,
			   int fd);
