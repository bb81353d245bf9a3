#pragma once

/*
 * Datagrams that the kernel dropped because the queue of their socket was full: counted on
 * the board in whichever thread reads the socket, and said by the main thread, once in a while.
 */

#include <stdatomic.h>
#include <stdint.h>

struct front;
struct front_service;
struct msghdr;

/*
 * The kernel has told @told drops of a socket, a number that wraps; @counted is how many of them
 * were counted before, by whomever. Returns how many are new, and counts them. Any thread.
 */
uint32_t queue_drops_count(_Atomic uint32_t *counted, uint32_t told);

/* Looks at what the kernel said with a datagram of the service. Any thread. */
void queue_drops_look(struct front_service *service, _Atomic uint32_t *counted,
		      const struct msghdr *received);

/* Returns 0 or a negative errno. */
int queue_drops_start(struct front *front);

/* Says at once what is left to say, where something was said before. */
void queue_drops_say_rest(struct front *front);

void queue_drops_stop(struct front *front);
