#pragma once

/* Datagrams in memory that wait for a slot of their service: so many, and no more. */

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
	const char *bytes; /* @copy, in one that waits */
	char copy[];
};

/* Keeps a copy. Returns 0, -ENOBUFS or -ENOMEM. */
int pending_push(struct front_service *service, const struct packet *packet);

/* The oldest, to be freed. There is one exactly while service->pending is set. */
struct packet *pending_pop(struct front_service *service);
