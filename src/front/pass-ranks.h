#pragma once

/*
 * The members of a crew by how many clients each has, so that the least loaded one is found
 * without asking them all. Among equals the one that was put last comes first: it is warm,
 * and those that nobody needs stay idle.
 */

#include <stddef.h>

#include "base/list.h"

struct pass_ranks {
	struct list *by_count; /* n_seats of them */
	unsigned n_seats;
	unsigned least; /* no member has fewer clients */
};

/* Returns 0 or -ENOMEM. */
int pass_ranks_init(struct pass_ranks *ranks, unsigned n_seats);
void pass_ranks_fini(struct pass_ranks *ranks);

/* Moves @link to the members with @count clients; one with n_seats has no rank. */
void pass_ranks_put(struct pass_ranks *ranks, struct list *link, unsigned count);

/* Returns NULL when none has a free seat. */
struct list *pass_ranks_least(struct pass_ranks *ranks);

/* The one without clients that was put first, or NULL. */
struct list *pass_ranks_idlest(const struct pass_ranks *ranks);
