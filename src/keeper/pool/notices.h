#pragma once

/*
 * Messages to the fronts about pools. Each front has the indices of its own generation. A front
 * that was replaced still gets messages about processes that have its clients.
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

/* CHANNEL_PROCESS_GONE, to every front that knows the process. */
void notices_gone(struct fronts *fronts, const struct process *process, int status);
