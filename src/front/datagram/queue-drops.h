#pragma once

/*
 * Datagrams that the kernel dropped because the queue of their socket was full: counted in
 * whichever thread reads the socket, and logged by the main thread, once in a while.
 *
 * The kernel counts the drops of each socket from its start on. A front counts those since its own
 * start alone, so that none is counted by two fronts.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/poller.h"
#include "net/timer.h"

struct front_service;
struct msghdr;

/* Of a front. */
struct queue_drops {
	struct timers *timers;
	_Atomic(struct service_drops *) noted; /* with drops to log; workers write this */
	struct watch wake; /* owns an eventfd that tells when there is the first */
};

/* Of a service. The main thread's, but for what is atomic. */
struct service_drops {
	struct queue_drops *all;
	const struct front_service *service;
	_Atomic uint64_t unlogged;
	_Atomic bool is_noted; /* or its timer is set */
	struct service_drops *next;
	struct timer timer;
};

/* Returns 0 or a negative errno. */
int queue_drops_init(struct queue_drops *drops, struct poller *poller, struct timers *timers);

/* Copes with what was never initialised. No thread looks any more. */
void queue_drops_fini(struct queue_drops *drops);

void service_drops_init(struct service_drops *drops, struct queue_drops *all,
			const struct front_service *service);

/* Once no thread looks any more. */
void service_drops_fini(struct service_drops *drops);

/* Logs at once what would be logged later. */
void service_drops_log_rest(struct service_drops *drops);

/*
 * The kernel says that it has dropped @told datagrams of a socket, a number that wraps. @counted is
 * the number that it said before. Returns how many are new, and updates @counted.
 */
uint32_t queue_drops_count(uint32_t *counted, uint32_t told);

/* Reads the count of drops that came with a datagram. For the thread that reads the socket. */
void queue_drops_look(struct service_drops *drops, uint32_t *counted,
		      const struct msghdr *received);
