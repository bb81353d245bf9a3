#pragma once

/*
 * Pools over reloads: which pools stay, which start and which leave.
 *
 * If a service has not changed, the next generation refers to the same pool. Otherwise a new pool
 * starts when the new front serves, so that a reload that fails has changed nothing. What happens
 * to the old pool depends on its kind:
 *   - `pool` with the same listeners: its processes get TERM when `min` of the new ones are ready.
 *     Until then they serve, so a new program that never becomes ready does not take the service
 *     down. In that time there may be more processes than `max`.
 *   - `pool` with other listeners: its processes get TERM at once, because their listeners are
 * gone.
 *   - `pass`: its processes leave before the old front stops. The old front dismisses each process
 *     after its last client. A process that no front knows finds the end of its socket instead.
 */

struct front;
struct generation;
struct pool;
struct pools;

/*
 * Gives @generation the pools of its services: the present pool if it stays, otherwise a new one
 * without processes. Returns 0 or a negative errno.
 */
int pools_take(struct pools *pools, struct generation *generation);

/* @generation serves from now on. Its pools start, and the others leave. */
void pools_follow(struct pools *pools, const struct generation *generation);

/* Tells @front to let the processes leave that do not belong to @next. */
void pools_tell_leave(struct pools *pools, struct front *front, const struct generation *next);

/* The reload has failed and the front goes on, so these processes stay. */
void pools_take_back_leave(struct pools *pools);

/* For a closed pool of `pass`: its processes end when the last front lets go of them. */
void pool_let_go(struct pool *pool);
