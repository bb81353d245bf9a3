#pragma once

/*
 * A pool: the processes of a service of dispatch `pool` or `pass`, which start before their
 * clients. The keeper keeps `min` of them alive, and starts one more, up to `max`, when the front
 * asks for it. It ends surplus processes that are idle. For `pass` the front says which these are.
 *
 * A program that ends within a second, or before it is ready, is started again after a growing
 * pause, unless it did come up: then a client may have made it end, and the next starts at once. If
 * processes, descriptors or memory are short, the start is tried again until it succeeds.
 *
 * An event changes the state of a pool and marks the pool as changed. All that follows, such as
 * starting a process or telling the fronts, is done once, at the end of the turn of the loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "keeper/pool/pool-state.h"

struct child;
struct generation;
struct process;

/* Whether one more may be started on demand. */
bool pool_may_grow(const struct pool *pool);

/* The pool serves service @service of @generation from now on. */
void pool_open(struct pool *pool, struct generation *generation, size_t service);

/* The pool starts no processes any more. @state is POOL_SUPERSEDED or POOL_CLOSED. */
void pool_retire(struct pool *pool, enum pool_state state);

/* Ends older pools of the same service, which have served until now. */
void pool_end_superseded(const struct pool *pool);

/* Starts missing processes, ends the pools that it replaces, and tells the fronts. */
void pool_settle(struct pool *pool);

/* A front says that clients wait and no process takes them. */
void pool_grow(struct pool *pool);

/* A front says that process @pid, in row @index, has no clients and may end. */
void pool_dismiss(struct pool *pool, unsigned index, pid_t pid);

/* The process whose program is @child, or NULL for a child of no pool. */
struct process *pool_process_of(const struct child *child);

/* The process says that it takes clients. */
void pool_process_ready(struct process *process);
