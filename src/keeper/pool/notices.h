#pragma once

/* What the fronts are told about pools, each in the numbers of its own generation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct startup_pool;
struct startup_process;
struct pool;
struct front;
struct generation;
struct keeper;
struct process;

/* The pool of service number @service of @front, or NULL. */
struct pool *pool_of_front(const struct front *front, uint32_t service);

/* Whether @pool serves a service of @generation. */
bool generation_names(const struct generation *generation, const struct pool *pool);

/* Whether some front knows of @pool. */
bool pool_is_known(const struct pool *pool);

/* CHANNEL_POOL, to the fronts that take clients. */
void pool_tell(struct pool *pool);

/* CHANNEL_PROCESS, to the same. */
void pool_tell_process(const struct process *process);

/* Once more for one of them, if there is still somebody ready at @place. */
void pool_tell_process_again(struct front *front, const struct pool *pool, unsigned place);

/* CHANNEL_PROCESS_GONE, to every front that knew it. */
void pool_tell_gone(const struct process *process, int status);

/* CHANNEL_LEAVE for the children that have no place in @next. */
void pools_tell_leave(struct keeper *keeper, const struct generation *next);

/* They stay after all: the front was told to go on. */
void pools_take_back_leave(struct keeper *keeper);

/*
 * The pools and processes of a front that is to be forked for @generation. Both arrays are the
 * caller's to free, on failure too. Returns 0 or -ENOMEM.
 */
int pools_startup(const struct keeper *keeper, const struct generation *generation,
		  struct startup_pool **out_pools, struct startup_process **out_processes,
		  size_t *out_n);

/* In a process that will be a front for @generation: closes the sockets that are not for it. */
void pools_abandon(const struct keeper *keeper, const struct generation *generation);
