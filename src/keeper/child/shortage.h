#pragma once

/*
 * A shortage of processes, descriptors or memory. A request that cannot be served now waits here
 * with its client. The fronts are told to send no more requests, and after a pause the oldest one
 * is tried again. The shortage is over when all requests have been served and the reserve is held.
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

	/* Tries @request again. Returns a negative errno if it must go on waiting. */
	int (*retry)(struct shortage *shortage, struct request *request);

	struct list waiting; /* oldest first */
	size_t n_waiting;
	struct timer timer;
	struct backoff pause; /* between two attempts */
};

/* The caller keeps what it passes. */
void shortage_init(struct shortage *shortage, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve,
		   int (*retry)(struct shortage *shortage, struct request *request));

/* Begins a shortage because of @error, unless one has begun. */
void shortage_begin(struct shortage *shortage, int error);

/* Restores the reserve. If that fails, a shortage begins. */
void shortage_restore_reserve(struct shortage *shortage);

/*
 * Lets @request wait, because of @error. Returns 0 after taking over its descriptor and generation,
 * or -ENOMEM.
 */
int shortage_add(struct shortage *shortage, const struct request *request, int error);

static inline bool shortage_has_waiting(const struct shortage *shortage)
{
	return list_is_linked(&shortage->waiting);
}

/* Removes the oldest request, which the caller passes to request_free(), or returns NULL. */
struct request *shortage_take(struct shortage *shortage);

/* For a process that becomes a front: closes the descriptors of the requests. */
void shortage_abandon(struct shortage *shortage);
