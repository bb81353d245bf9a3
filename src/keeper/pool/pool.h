#pragma once

/*
 * A pool: the children that a service of dispatch `pool` or `pass` has beforehand. The
 * keeper keeps `min` of them alive, starts one more up to `max` when the front asks for it,
 * and ends what is surplus in a pool; that of `pass` is ended when the front says which.
 *
 * Over a reload a service that has not changed keeps its pool: the next generation names
 * the same one. Else the new pool starts when the new front serves, so that a reload that
 * fails has changed nothing. The old one is then
 *   - of a pool whose listeners stay: ended by TERM once `min` of the new one are ready;
 *     until then, be it for ever, it goes on serving. So a program that does not come up
 *     takes no service down, and for that time both together may be more than `max`;
 *   - of another pool: ended by TERM at once, for its listeners are gone;
 *   - of `pass`: told to leave before the old front stops, which ends each child once that
 *     has no client left; where no front knows it, the end of its socket says so.
 *
 * A program that ends within a second, or before it is ready, is started again after a
 * growing pause. Where only processes, descriptors or memory are short it is tried again
 * until they are not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "keeper/pool/respawn.h"
#include "keeper/service/pool-handle.h"
#include "net/timer.h"

struct channel_message;
struct front;
struct generation;
struct keeper;
struct process;
struct pass_table;
struct service;
struct service_record;

enum pool_state {
	POOL_NEW,        /* its generation does not serve yet, or never will */
	POOL_OPEN,       /* its service is served by it */
	POOL_SUPERSEDED, /* of a pool: another one is to take over and is not ready yet */
	POOL_CLOSED,     /* its children end */
};

struct pool {
	struct pool_handle handle;
	struct list link; /* in keeper->pools */
	struct keeper *keeper;
	struct service_record *record;
	enum pool_state state;
	const struct generation *generation; /* while it is open: the one that serves */
	size_t service;                      /* there */

	struct list processes;
	unsigned n_starting;
	unsigned n_ready;
	unsigned n_fresh; /* of the ready ones: started a moment ago, and not said to be ready */
	unsigned n_ending;
	struct pass_table *table; /* of `pass`, or NULL */
	unsigned place;           /* where to look for a free one next */

	struct respawn respawn;
	int64_t shortage_ms; /* the pause while processes are short; 0: they are not */
	bool asked;          /* the front wants one more */
	unsigned told_ready; /* what the fronts know */
	bool told_may_grow;
	struct timer again; /* no start before this */
	unsigned least;     /* descriptors that one of them was ever seen with; 0: not yet */
	struct timer look;  /* for idle ones, while there are more than min */
};

/*
 * Gives @generation the pools of its services: those there are, where they suit, and new
 * ones without children. Returns 0 or a negative errno.
 */
int pools_take(struct keeper *keeper, struct generation *generation);

/* It is gone when nobody names it and its last child was reaped. */
static inline struct pool *pool_ref(struct pool *pool)
{
	pool_handle_ref(&pool->handle);
	return pool;
}

static inline void pool_unref(struct pool *pool)
{
	pool_handle_unref(&pool->handle);
}

/* The pool of a service of @generation, or NULL. */
struct pool *pool_in(const struct generation *generation, size_t service);

/* keeper->generation serves from now on: its pools start, others leave. */
void pools_follow(struct keeper *keeper);

/* After every change: starts what is missing, ends what it replaces, tells the fronts. */
void pool_settle(struct pool *pool);

/* A program of it ended at once, or could not be started. */
void pool_note_quick_death(struct pool *pool);

/* Ends older pools of the same service, which went on until now. */
void pool_relieve_others(const struct pool *pool);

/* Whether one more may be started on demand. */
bool pool_may_grow(const struct pool *pool);

/* While it is open. */
const struct service *pool_service(const struct pool *pool);

/*
 * CHANNEL_GROW and CHANNEL_DISMISS of @front. Returns 0, or -EBADMSG for what no honest front
 * sends.
 */
int pools_handle(struct keeper *keeper, const struct front *front,
		 const struct channel_message *message);

/* The keeper stops: pools end now, other children when the fronts say so. */
void pools_stop(struct keeper *keeper);

/* The keeper ends: so does every child that is left. */
void pools_end(struct keeper *keeper);

/* A front was forgotten: children that it alone knew of have nobody to end them. */
void pools_lost_front(struct keeper *keeper);

/* A listener is bound that was not. */
void pools_on_bound(struct keeper *keeper);

/* Learns what @process holds while it has, perhaps, no client. */
void pool_look_at(struct pool *pool, struct process *process);

/* The timer for idle children runs while there are more than min. */
void pool_watch_idle(struct pool *pool);
