#pragma once

/*
 * Datagrams that the kernel has dropped because the queue of their socket was full. The thread that
 * reads the socket counts them. The main thread logs the count from time to time.
 */

#include <stdatomic.h>
#include <stdint.h>

struct front;
struct front_service;
struct msghdr;

/*
 * The kernel says that a socket has had @told drops, a number that wraps. @counted is how many of
 * them all fronts have counted before. Returns how many are new, and counts them. Any thread.
 */
uint32_t queue_drops_count(_Atomic uint32_t *counted, uint32_t told);

/* Reads the count of drops that came with a datagram of the service. Any thread. */
void queue_drops_look(struct front_service *service, _Atomic uint32_t *counted,
		      const struct msghdr *received);

/* Returns 0 or a negative errno. */
int queue_drops_start(struct front *front);

/* Logs at once the drops that wait for the next line. */
void queue_drops_say_rest(struct front *front);

void queue_drops_stop(struct front *front);
