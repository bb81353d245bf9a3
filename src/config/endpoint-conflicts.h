#pragma once

/*
 * Which service uses which endpoint, to find two that cannot both be bound. To add a use costs the
 * same however many there are.
 */

#include "config/errors.h"
#include "net/endpoint.h"

struct endpoint_bucket;

/* Zeroed, it is empty. */
struct endpoint_conflicts {
	struct endpoint_bucket *buckets;
};

struct endpoint_use {
	const struct endpoint *endpoint; /* all pointers must stay valid as long as the conflicts */
	const char *text;                /* of the endpoint, as it was written */
	const char *service;
	struct location at;
};

void endpoint_conflicts_fini(struct endpoint_conflicts *conflicts);

/*
 * Returns 0, -EADDRINUSE with the earlier use in @out_owner, or -ENOMEM. Port 0 never conflicts,
 * because the system chooses a free one.
 */
int endpoint_conflicts_add(struct endpoint_conflicts *conflicts, const struct endpoint_use *use,
			   struct endpoint_use *out_owner);
