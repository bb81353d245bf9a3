#pragma once

/* One client, or one listener, for which a front wants a program. */

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "net/address.h"

struct generation;

struct request {
	struct list link; /* in keeper->stalled, if it waits */
	struct generation *generation;
	uint32_t type; /* CHANNEL_SPAWN, CHANNEL_DATAGRAM or CHANNEL_WAIT */
	size_t service;
	size_t endpoint;
	struct address peer;
	struct address local;
	int fd; /* the connection or the datagram, or -1 */
};

void request_free(struct request *request);
