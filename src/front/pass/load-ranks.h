#pragma once

/*
 * The processes of a service in the order of their load, which is the number of their clients. The
 * one with the lowest load is found without looking at all of them. Among processes of the same
 * load the last one put comes first, because its caches are warm, and surplus processes stay idle.
 * Pure.
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

/* Moves @link to the processes with @load clients. A full process is in no list. */
void load_ranks_put(struct load_ranks *ranks, struct list *link, unsigned load);

/* Returns NULL when every process is full. */
struct list *load_ranks_least(struct load_ranks *ranks);

/* The process that has had no client for the longest time, or NULL. */
struct list *load_ranks_idlest(const struct load_ranks *ranks);
