#pragma once

/*
 * Datagrams that the kernel has dropped because the queue of their socket was full. The thread that
 * reads the socket counts them. The main thread logs the count from time to time.
 *
 * The kernel counts the drops of each socket since it was made. A front counts only those since its
 * own start, so that two fronts never count the same drop.
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
	_Atomic(struct service_drops *) noted; /* services with drops to log; workers write this */
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

/* Also for zeroed @drops. Called when no other thread uses them any more. */
void queue_drops_fini(struct queue_drops *drops);

void service_drops_init(struct service_drops *drops, struct queue_drops *all,
			const struct front_service *service);

/* Called when no other thread uses @drops any more. */
void service_drops_fini(struct service_drops *drops);

/* Logs at once the drops that wait for the next line. */
void service_drops_log_rest(struct service_drops *drops);

/*
 * The kernel says that it has dropped @told datagrams of a socket, a number that wraps. @counted is
 * the number that it said before. Returns how many are new, and updates @counted.
 */
uint32_t queue_drops_count(uint32_t *counted, uint32_t told);

/* Reads the count of drops that came with a datagram. For the thread that reads the socket. */
void queue_drops_look(struct service_drops *drops, uint32_t *counted,
		      const struct msghdr *received);
