#pragma once

/*
 * What the other folders know of a pool, which is the processes of a service that run beforehand.
 * Generations refer to it, so that it lives over a reload. A front that was replaced refers to it
 * too, because it may still send messages about it. Only pool/ knows the rest.
 */

#include <stdbool.h>

struct service_record;

/* Embedded in its owner. */
struct pool_handle {
	unsigned references;
	struct service_record *record; /* of its service */
	bool passes;                   /* dispatch `pass`: superd passes clients to it */

	/* Called when the last reference has gone. */
	void (*free)(struct pool_handle *pool);
};

/* Both accept NULL. */
static inline struct pool_handle *pool_handle_ref(struct pool_handle *pool)
{
	if (pool)
		pool->references++;
	return pool;
}

static inline void pool_handle_unref(struct pool_handle *pool)
{
	if (pool && --pool->references == 0)
		pool->free(pool);
}
