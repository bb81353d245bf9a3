#pragma once

/*
 * What the fronts are told of pools, each in the numbers of its own generation. A front that was
 * replaced still hears of the processes that it has clients with.
 */

#include <stdbool.h>
#include <stdint.h>

struct front;
struct fronts;
struct pool_handle;
struct process;

/* The pool of service number @service of @front, or NULL. */
struct pool_handle *notices_pool_of(const struct front *front, uint32_t service);

/* Whether some front knows of @pool. */
bool notices_reach(const struct fronts *fronts, const struct pool_handle *pool);

/* CHANNEL_POOL, to the fronts that take clients. */
void notices_pool(struct fronts *fronts, const struct pool_handle *pool, unsigned ready,
		  bool may_grow);

/* CHANNEL_PROCESS, to the same. */
void notices_process(struct fronts *fronts, struct process *process);

/* CHANNEL_LEAVE. */
void notices_leave(struct front *front, struct process *process);

/* CHANNEL_PROCESS_GONE, to every front that knew the process. */
void notices_gone(struct fronts *fronts, const struct process *process, int status);
