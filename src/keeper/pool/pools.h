#pragma once

/*
 * The pools of all services, for the rest of the keeper, and which of them stay at a reload.
 *
 * If a service has not changed, the next generation refers to the same pool. Otherwise a new pool
 * starts when the new front serves, so that a reload that fails has changed nothing. What happens
 * to the old pool depends on its kind:
 *   - `pool` with the same listeners: its processes get TERM when `min` of the new ones are ready.
 *     Until then they serve, so a new program that never becomes ready does not take the service
 *     down. In that time there may be more processes than `max`.
 *   - `pool` with other listeners: its processes get TERM at once, as their listeners are gone.
 *   - `pass`: its processes leave before the old front stops. The old front dismisses each process
 *     after its last client. A process that no front knows finds the end of its socket instead.
 */

#include <stddef.h>

#include "keeper/pool/pool-state.h"

struct bound_listener;
struct channel_message;
struct front;
struct generation;
struct startup_pool;
struct startup_process;

/* The caller has filled in @pools, except for the lists and the socket. */
void pools_init(struct pools *pools);

/* Forgets the processes that are left. The caller owns their children. */
void pools_fini(struct pools *pools);

/* Called at the end of a turn of the loop: settles all pools that have changed in it. */
void pools_settle(struct pools *pools);

/*
 * CHANNEL_GROW and CHANNEL_DISMISS of @front. Returns 0, or -EBADMSG for a message that no honest
 * front sends.
 */
int pools_handle(const struct front *front, const struct channel_message *message);

/* The keeper stops: ends processes of `pool` now. Those of `pass` end when the fronts say so. */
void pools_stop(struct pools *pools);

/* The keeper ends: ends every process that is left. */
void pools_end(struct pools *pools);

/* A front has gone: ends processes that no other front knows and could dismiss. */
void pools_lost_front(struct pools *pools);

/*
 * A listener is bound that could not be bound before, or was opened anew: then the processes that
 * have its old socket are ended.
 */
void pools_on_bound(struct pools *pools, const struct bound_listener *bound);

/*
 * Gives @generation the pools of its services: the present pool if it stays, otherwise a new one
 * without processes. Returns 0 or a negative errno.
 */
int pools_take(struct pools *pools, struct generation *generation);

/* @generation serves from now on. Its pools start, and the others leave. */
void pools_follow(struct pools *pools, struct generation *generation);

/* Tells @front to let the processes leave that do not belong to @next. */
void pools_tell_leave(struct pools *pools, struct front *front, const struct generation *next);

/* The reload has failed and the front goes on, so these processes stay. */
void pools_take_back_leave(struct pools *pools);

/*
 * Lists the pools and processes for a front that will be forked for @generation. The caller frees
 * both arrays, also on failure. Returns 0 or -ENOMEM.
 */
int pools_startup(const struct pools *pools, const struct generation *generation,
		  struct startup_pool **out_pools, struct startup_process **out_processes,
		  size_t *out_n);

/* For a process that becomes a front of @generation: closes the sockets that it does not need. */
void pools_abandon(const struct pools *pools, const struct generation *generation);
