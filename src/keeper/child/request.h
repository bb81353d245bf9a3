#pragma once

/* One client, or one listener, for which a front wants a program. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "net/address.h"

struct channel_message;
struct front;
struct generation;
struct keeper;

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

/*
 * Whether to believe it: a front that was taken over must gain nothing by lying. Also fills in
 * @request->local for a connection.
 */
bool request_is_allowed(struct request *request);

/*
 * Acts on a request of @front; takes over @fd. Returns 0, or -EBADMSG for what no
 * honest front sends.
 */
int request_handle(struct keeper *keeper, struct front *front,
		   const struct channel_message *message, int fd);

/* Those that wait for processes or descriptors will wait no more: the keeper stops. */
void requests_give_up(struct keeper *keeper);

/* The descriptor of a request of @front did not arrive: the client is lost. */
void request_lose(struct keeper *keeper, const struct front *front,
		  const struct channel_message *message);
