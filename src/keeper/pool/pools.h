#pragma once

/* The pools of all services: how the rest of the keeper reaches them. */

#include <stddef.h>

#include "keeper/pool/pool-state.h"

struct channel_message;
struct front;
struct generation;
struct startup_pool;
struct startup_process;

/* @pools is filled in but for the lists and the socket. */
void pools_init(struct pools *pools);

/* Forgets the processes that are left; their children are the caller's. */
void pools_fini(struct pools *pools);

/* At the end of a turn of the loop: what follows from all that has changed in it. */
void pools_settle(struct pools *pools);

/*
 * CHANNEL_GROW and CHANNEL_DISMISS of @front. Returns 0, or -EBADMSG for what no honest front
 * sends.
 */
int pools_handle(const struct front *front, const struct channel_message *message);

/* The keeper stops: processes of `pool` end now, those of `pass` when the fronts say so. */
void pools_stop(struct pools *pools);

/* The keeper ends: so does every process that is left. */
void pools_end(struct pools *pools);

/* A front was forgotten: processes that it alone knew of have nobody to end them. */
void pools_lost_front(struct pools *pools);

/* A listener is bound that was not. */
void pools_on_bound(struct pools *pools);

/*
 * The pools and processes of a front that is to be forked for @generation. Both arrays are the
 * caller's to free, on failure too. Returns 0 or -ENOMEM.
 */
int pools_startup(const struct pools *pools, const struct generation *generation,
		  struct startup_pool **out_pools, struct startup_process **out_processes,
		  size_t *out_n);

/* In a process that will be a front for @generation: closes the sockets that are not for it. */
void pools_abandon(const struct pools *pools, const struct generation *generation);
