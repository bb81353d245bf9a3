#pragma once

/*
 * The processes of a service by their load, which is how many clients each has: the least loaded
 * one is found without asking them all. Among equals the process that was put last comes
 * first: it is warm, and processes that nobody needs stay idle. Pure.
 */

#include <stddef.h>

#include "base/list.h"

struct load_ranks {
	struct list *by_load; /* load_max lists of processes */
	unsigned load_max;
	unsigned least; /* no process has fewer clients */
};

/* A process has at most @load_max clients. Returns 0 or -ENOMEM. */
int load_ranks_init(struct load_ranks *ranks, unsigned load_max);
void load_ranks_fini(struct load_ranks *ranks);

/* Moves @link to the processes with @load clients; a full one is in no list. */
void load_ranks_put(struct load_ranks *ranks, struct list *link, unsigned load);

/* Returns NULL when every process is full. */
struct list *load_ranks_least(struct load_ranks *ranks);

/* The process that has had no client for the longest time, or NULL. */
struct list *load_ranks_idlest(const struct load_ranks *ranks);
