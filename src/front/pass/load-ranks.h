#pragma once

/*
 * The processes of a pool by how many clients each has, so that the least loaded one is found
 * without asking them all. Among equals the one that was put last comes first: it is warm,
 * and those that nobody needs stay idle.
 */

#include <stddef.h>

#include "base/list.h"

struct load_ranks {
	struct list *by_count; /* n_seats of them */
	unsigned n_seats;
	unsigned least; /* no process has fewer clients */
};

/* Returns 0 or -ENOMEM. */
int load_load_ranks_init(struct load_ranks *load_ranks, unsigned n_seats);
void load_load_ranks_fini(struct load_ranks *load_ranks);

/* Moves @link to the processes with @count clients; one with n_seats has no rank. */
void load_load_ranks_put(struct load_ranks *load_ranks, struct list *link, unsigned count);

/* Returns NULL when none has a free seat. */
struct list *load_load_ranks_least(struct load_ranks *load_ranks);

/* The one without clients that was put first, or NULL. */
struct list *load_load_ranks_idlest(const struct load_ranks *load_ranks);
