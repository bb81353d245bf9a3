#pragma once

/* Processes: the children of a pool, one by one, from their start to their end. */

#include <stdbool.h>

#include "base/list.h"
#include "keeper/pool/idle.h"
#include "net/timer.h"

struct child;
struct pool;

enum process_state {
	PROCESS_STARTING, /* has not said yet that it is ready */
	PROCESS_READY,
	PROCESS_ENDING, /* was sent TERM */
};

struct process {
	struct list link; /* in pool->processes */
	struct pool *pool;
	struct child *child;
	enum process_state state;
	bool fresh;     /* counts in pool->n_fresh */
	bool late;      /* ended because it was not ready in time */
	bool leaving;   /* the front was told to give it no more clients */
	bool was_ready; /* the fronts know it */
	unsigned place; /* in pool->table */
	int fd;         /* the front's end of its socket, or -1 */
	struct timer limit;
	struct idle idle;
};

/*
 * Starts one more. Returns 1, 0 when the program cannot be started at all, which is logged
 * and counts as a quick death, or a negative errno when the machine is short of something.
 */
int process_start(struct pool *pool);

/* Made before its program runs, so that none can run unknown. May return NULL. */
struct process *process_new(struct pool *pool, struct child *child);

/* Its program runs, and the child table has it: from here on it is one of the pool. */
void process_enlist(struct process *process);

/* It takes clients now. */
void process_ready(struct process *process);

/* Sends TERM, once. */
void process_end(struct process *process);

/* Closes our end of its socket: the last end to be closed tells it to finish. */
void process_hang_up(struct process *process);

/* It was reaped. Frees it. */
void process_ended(struct process *process, int status, int64_t lived_us);

/* Of a child that was never told to anybody, or whose keeper ends. May be NULL. */
void process_free(struct process *process);
