#pragma once

/*
 * A shortage of processes, descriptors or memory. A request that cannot be served now waits here
 * with its client. The fronts are told to send no more requests, and after a pause the oldest one
 * is tried again. The shortage is over when all requests have been served and the reserve is held.
 * Until then one at a time is tried.
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

	/*
	 * Tries @request again. Returns a negative errno if it must go on waiting. Otherwise
	 * @request was taken over. 1: shortage_tried() is called later.
	 */
	int (*retry)(struct shortage *shortage, struct request *request);

	struct list waiting; /* oldest first */
	size_t n_waiting;
	bool trying;
	struct timer timer;
	struct backoff pause; /* between two attempts */
};

/* The caller keeps what it passes. */
void shortage_init(struct shortage *shortage, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve,
		   int (*retry)(struct shortage *shortage, struct request *request));

/* No more is tried. */
void shortage_fini(struct shortage *shortage);

/* Begins a shortage because of @error, unless one has begun. */
void shortage_begin(struct shortage *shortage, int error);

bool shortage_lasts(const struct shortage *shortage);

/* Restores the reserve. If that fails, a shortage begins. */
void shortage_restore_reserve(struct shortage *shortage);

/* Lets @request wait, because of @error, and takes it over. */
void shortage_add(struct shortage *shortage, struct request *request, int error);

/*
 * What was tried has come to an end. @error is 0 if it was served, or never can be. Otherwise it
 * has been added again.
 */
void shortage_tried(struct shortage *shortage, int error);

static inline bool shortage_has_waiting(const struct shortage *shortage)
{
	return list_is_linked(&shortage->waiting) || shortage->trying;
}

/* Removes the oldest request, which the caller passes to request_free(), or returns NULL. */
struct request *shortage_take(struct shortage *shortage);

/* For a process that becomes a front: closes the descriptors of the requests. */
void shortage_abandon(struct shortage *shortage);
