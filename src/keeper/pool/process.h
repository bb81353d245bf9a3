#pragma once

/*
 * One process of a pool, from its start to its end. The functions change its state and the counts
 * of its pool, and nothing else: what follows from a change is decided by the pool.
 */

#include <stdbool.h>

#include "base/list.h"
#include "keeper/pool/idle.h"
#include "net/timer.h"

struct child;
struct pool_handle;

enum process_state {
	PROCESS_STARTING, /* has not said yet that it is ready */
	PROCESS_READY,
	PROCESS_ENDING, /* was sent TERM */
};

struct process_counts {
	unsigned starting;
	unsigned ready;
	unsigned settling; /* of the ready ones: started a moment ago, and not said to be ready */
	unsigned ending;
};

struct process {
	struct list link; /* among the processes of its pool */
	struct pool_handle *pool;
	struct process_counts *counts; /* of its pool */
	struct child *child;
	enum process_state state;
	bool settling;      /* counts as such */
	bool timed_out;     /* ended because it was not ready in time */
	bool leaving;       /* the front was told to give it no more clients */
	bool is_known;      /* the fronts were told of it */
	unsigned index;     /* in the table of a pool of `pass` */
	int fd;             /* the front's end of its socket, or -1 */
	struct timer limit; /* the pool's: until it must be ready, or has settled */
	struct idle idle;
};

/*
 * Made before its program runs, so that none can run unknown. Counts a reference to @pool, whose
 * counts are @counts. Returns NULL when memory is short.
 */
struct process *process_new(struct pool_handle *pool, struct process_counts *counts,
			    struct child *child);

/* For one whose program does not run, or whose keeper ends. May be NULL. */
void process_free(struct process *process);

/* Its program runs: it is one of @processes, and starting. */
void process_add(struct process *process, struct list *processes);

/* It takes clients. One that @settles counts as such until process_settled(). */
void process_ready(struct process *process, bool settles);
void process_settled(struct process *process);

/* Sends TERM, once, and hangs up. */
void process_end(struct process *process);

/* Closes our end of its socket: the last end to be closed tells it to finish. */
void process_hang_up(struct process *process);

/* It was reaped: it counts no more, and is freed. */
void process_remove(struct process *process);
