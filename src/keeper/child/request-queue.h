#pragma once

/*
 * Requests that wait for a launch. Each service has a queue of its own, and the services take
 * turns. So those of a service whose launches are slow wait for these, and nobody else does.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct fronts;
struct launches;
struct request;

struct request_queue {
	const struct launches *launches;
	struct fronts *fronts;
	struct list records; /* services that have requests, in the order of their turns */
	size_t n;
};

/* The caller keeps what it passes. */
void request_queue_init(struct request_queue *queue, const struct launches *launches,
			struct fronts *fronts);

/* Whether @request must not be added, because too many of its service wait for slow launches. */
bool request_queue_is_full(const struct request_queue *queue, const struct request *request);

void request_queue_add(struct request_queue *queue, struct request *request);

/* Lets the fronts keep further requests, or send them. Called after the queue has changed. */
void request_queue_hold_back(struct request_queue *queue);

/* Removes and returns the next request that may be launched now, or returns NULL. */
struct request *request_queue_take(struct request_queue *queue);

/* The same for any request, oldest first of each service. */
struct request *request_queue_take_any(struct request_queue *queue);

/* For a process that becomes a front: closes the descriptors of the requests. */
void request_queue_abandon(const struct request_queue *queue);
