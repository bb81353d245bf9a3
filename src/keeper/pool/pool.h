#pragma once

/*
 * A pool: the processes that a service of dispatch `pool` or `pass` has beforehand. The
 * keeper keeps `min` of them alive, starts one more up to `max` when the front asks for it,
 * and ends surplus ones of `pool` that are idle; the front says which of `pass` are.
 *
 * A program that ends within a second, or before it is ready, is started again after a
 * growing pause. Where only processes, descriptors or memory are short it is tried again
 * until they are not.
 *
 * An event changes what is known of a pool, and marks the pool as changed. What follows, such as a
 * start or a word to the fronts, is done once at the end of the turn of the loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "keeper/pool/pool-state.h"

struct generation;
struct process;

/* Whether one more may be started on demand. */
bool pool_may_grow(const struct pool *pool);

/* Service number @service of @generation is served by it from now on. */
void pool_open(struct pool *pool, const struct generation *generation, size_t service);

/* Starts nothing any more. @state is POOL_SUPERSEDED or POOL_CLOSED. */
void pool_retire(struct pool *pool, enum pool_state state);

/* Ends older pools of the same service, which went on until now. */
void pool_end_superseded(const struct pool *pool);

/* Starts what is missing, ends what it replaces, tells the fronts. */
void pool_settle(struct pool *pool);

/* A front has clients that the pool cannot take. */
void pool_grow(struct pool *pool);

/* A front says that process @pid, in row @index, has no clients. */
void pool_dismiss(struct pool *pool, unsigned index, pid_t pid);

/* The process says that it takes clients. */
void pool_process_ready(struct process *process);
