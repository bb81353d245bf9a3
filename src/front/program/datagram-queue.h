#pragma once

/* A bounded queue of datagrams that wait in memory until their service may serve one more client.
 */

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct front_service;

struct packet {
	struct packet *next;
	uint32_t endpoint;
	struct address peer;
	struct address local;
	size_t n;
	const char *bytes; /* @copy, while the datagram is in the queue */
	char copy[];
};

/* Adds a copy of the datagram. Returns 0, -ENOBUFS when the queue is full, or -ENOMEM. */
int pending_push(struct front_service *service, const struct packet *packet);

/* Removes the oldest datagram, which the caller frees. Only while service->pending is set. */
struct packet *pending_pop(struct front_service *service);
