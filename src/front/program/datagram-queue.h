#pragma once

/* A bounded queue of datagrams that wait until their service may serve one more client. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct packet {
	struct packet *next;
	uint32_t endpoint;
	struct address peer;
	struct address local;
	size_t n;
	const char *bytes; /* @copy, while the datagram is in the queue */
	char copy[];
};

/* Zeroed, it is empty. */
struct datagram_queue {
	struct packet *first;
	struct packet *last;
	unsigned n;
	size_t bytes;
};

/* Adds a copy of the datagram. Returns 0, -ENOBUFS when the queue is full, or -ENOMEM. */
int datagram_queue_push(struct datagram_queue *queue, const struct packet *packet);

/* Returns the oldest, to be freed, or NULL. */
struct packet *datagram_queue_pop(struct datagram_queue *queue);
