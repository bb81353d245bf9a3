#pragma once

/* The state of one pool, and what all pools share. The decisions are in pool.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/list.h"
#include "keeper/pool/process.h"
#include "keeper/pool/respawn.h"
#include "keeper/service/pool-handle.h"
#include "net/timer.h"

struct children;
struct launches;
struct failures;
struct fronts;
struct generation;
struct pass_table;
struct reserve_fd;
struct service;
struct service_record;

/* What all pools of the keeper share. */
struct pools {
	struct list list;
	struct list changed; /* pools to be settled at the end of the turn */
	struct list waiting; /* pools that could not launch because others do */
	struct timers *timers;
	struct poller *poller;
	struct launches *launches;
	struct children *children;
	struct failures *failures;
	struct fronts *fronts;
	struct reserve_fd *reserve;
	const struct ready_events *ready_events; /* of all their processes */
	bool stopping;                           /* no process is started any more */
};

enum pool_state {
	POOL_NEW,        /* its generation does not serve yet, or never will */
	POOL_OPEN,       /* it serves its service */
	POOL_SUPERSEDED, /* of `pool`: it serves until the next pool is ready */
	POOL_CLOSED,     /* its processes end */
};

struct pool {
	struct pool_handle handle;
	struct list link;         /* in the list of all */
	struct list changed_link; /* in the list of those that have changed */
	struct list waiting_link; /* in the list of those that wait for a launch */
	struct pools *pools;
	enum pool_state state;
	struct generation *generation; /* while it is open: the one that serves */
	size_t service;                /* there */

	struct list processes;
	struct process_counts counts;
	bool launching;           /* one of them, which has not been executed yet */
	struct pass_table *table; /* of `pass`, or NULL */
	unsigned next_index;      /* where the search for a free row of the table begins */

	struct respawn respawn;
	unsigned forgives;       /* how many more processes may end at once without a long pause */
	struct backoff shortage; /* the pause while processes are short */
	struct timer again;      /* no start before this */
	bool asked;              /* the front wants one more */
	bool owes_answer;        /* to that front, even if nothing has changed */
	unsigned reported_ready; /* what the fronts were told last */
	bool reported_may_grow;

	unsigned baseline_fds; /* the fewest descriptors of any process so far; 0: not known */
	struct timer sampling; /* looks for idle processes while there are more than min */
};

/* Makes a pool of @record without processes. The caller has a reference. Returns 0 or -ENOMEM. */
int pool_new(struct pool **out, struct pools *pools, struct service_record *record,
	     const struct service *service);

/* The pool is freed when no reference is left and its last process was reaped. */
void pool_unref(struct pool *pool);

static inline struct pool *pool_of(struct pool_handle *handle)
{
	return container_of(handle, struct pool, handle);
}

static inline bool pool_is_serving(const struct pool *pool)
{
	return pool->state == POOL_OPEN && !pool->pools->stopping;
}

/* Only while the pool is open. */
const struct service *pool_service(const struct pool *pool);

/*
 * For service_debug() while the pool is open: "ready 2 of 1..8, starting 1, ending 0". Valid until
 * the next call.
 */
const char *pool_counts(const struct pool *pool);

/* The pool is settled at the end of the turn. */
void pool_changed(struct pool *pool);
