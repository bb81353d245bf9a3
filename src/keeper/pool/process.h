#pragma once

/*
 * One process of a pool, from its start to its end. The functions change its state and the counts
 * of its pool, and nothing else. The pool decides what follows.
 */

#include <stdbool.h>

#include "base/list.h"
#include "keeper/pool/idle.h"
#include "keeper/pool/ready.h"
#include "net/timer.h"

struct child;
struct generation;
struct service;
struct pool_handle;

enum process_state {
	PROCESS_STARTING, /* has not said yet that it is ready */
	PROCESS_READY,
	PROCESS_ENDING, /* was sent TERM */
};

struct process_counts {
	unsigned starting;
	unsigned ready;
	unsigned settling; /* ready, but started just now, and did not say that it is ready */
	unsigned ending;
};

/* What the launch of a process needs until it is over. */
struct process_launch {
	struct generation *generation; /* a reference, or NULL */
	const struct service *service; /* there */
	int *fds; /* followed by as many for the child, which overwrites them */
	size_t n_fds;
};

struct process {
	struct process_launch launch;
	struct list link; /* among the processes of its pool */
	struct pool_handle *pool;
	struct process_counts *counts; /* of its pool */
	struct child *child;
	enum process_state state;
	bool settling; /* counted as settling */
	bool said_ready;
	bool timed_out;            /* ended because it was not ready in time */
	bool leaving;              /* the front was told to give it no more clients */
	bool is_known;             /* the fronts were told of it */
	unsigned index;            /* in the table of a pool of `pass` */
	int fd;                    /* the front's end of its socket, or -1 */
	struct ready_socket ready; /* where it says that it is ready, until then */
	struct timer limit;        /* for the pool: when it must be ready, or has settled */
	struct idle idle;
};

/*
 * Called before the program runs, so that no process runs without a record. Takes a reference to
 * @pool, whose counts are @counts. Returns NULL when memory is short.
 */
struct process *process_new(struct pool_handle *pool, struct process_counts *counts,
			    struct child *child);

/* For a process that does not run, or when the keeper ends. @process may be NULL. */
void process_free(struct process *process);

/* The launch is over: closes what it needed. */
void process_end_launch(struct process *process);

/* For a process that becomes a front: closes the same. */
void process_abandon_launch(const struct process *process);

/* The process is launched: adds it to @processes, as starting. */
void process_add(struct process *process, struct list *processes);

/* The process takes clients. With @settles it counts as settling until process_settled(). */
void process_ready(struct process *process, bool settles);
void process_settled(struct process *process);

/* Sends TERM, once, and hangs up. */
void process_end(struct process *process);

/* Closes the keeper's end of its socket. When all ends are closed, the process finishes. */
void process_hang_up(struct process *process);

/* The process was reaped: frees it, and counts it no more. */
void process_remove(struct process *process);
