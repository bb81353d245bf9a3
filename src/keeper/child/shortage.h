#pragma once

/*
 * A shortage of processes, descriptors or memory. A request that cannot be served now waits here
 * and keeps its client; the fronts are told to send no more, and after a pause the oldest
 * request is tried again. The shortage is over once all of them were served and the reserve is
 * held.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/backoff.h"
#include "base/list.h"
#include "net/timer.h"

struct fronts;
struct request;
struct reserve_fd;
struct timers;

struct shortage {
	struct timers *timers;
	struct fronts *fronts;
	struct reserve_fd *reserve;

	/* Tries @request again. Returns a negative errno when it must wait on. */
	int (*retry)(struct shortage *shortage, struct request *request);

	struct list waiting; /* oldest first */
	size_t n_waiting;
	struct timer timer;
	struct backoff pause; /* while it lasts */
};

/* What is given stays the caller's. */
void shortage_init(struct shortage *shortage, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve,
		   int (*retry)(struct shortage *shortage, struct request *request));

/* Begins a shortage because of @error, unless there is one. */
void shortage_begin(struct shortage *shortage, int error);

/* Takes the reserve back; if that cannot be had, a shortage begins. */
void shortage_restore_reserve(struct shortage *shortage);

/*
 * @request waits from now on, because of @error. Returns 0, having taken over what @request holds,
 * or -ENOMEM.
 */
int shortage_add(struct shortage *shortage, const struct request *request, int error);

static inline bool shortage_has_waiting(const struct shortage *shortage)
{
	return list_is_linked(&shortage->waiting);
}

/* Takes out the oldest one that waits, which the caller passes to request_free(); or NULL. */
struct request *shortage_take(struct shortage *shortage);

/* For a process that becomes a front: closes the descriptors of those that wait. */
void shortage_abandon(struct shortage *shortage);
