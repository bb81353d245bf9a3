#pragma once

/*
 * Which service uses which endpoint, to find two that could not both be bound. The cost
 * of a use does not depend on how many there are.
 */

#include "config/errors.h"
#include "net/endpoint.h"

struct endpoint_bucket;

/* All zero is an empty one. */
struct endpoint_conflicts {
	struct endpoint_bucket *buckets;
};

struct endpoint_use {
	const struct endpoint *endpoint; /* all of these must outlive the conflicts */
	const char *text;                /* that named it, as it was written */
	const char *service;
	struct location at;
};

void endpoint_conflicts_fini(struct endpoint_conflicts *conflicts);

/*
 * Returns 0; -EADDRINUSE and the one who has it already in @out_owner; or -ENOMEM.
 * A port that the system chooses is never taken.
 */
int endpoint_conflicts_add(struct endpoint_conflicts *conflicts, const struct endpoint_use *use,
			   struct endpoint_use *out_owner);
