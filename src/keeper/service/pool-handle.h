#pragma once

/*
 * What all of the keeper knows of a pool, the programs of a service that run beforehand. The
 * generations that name it keep it over a reload, and a front that was replaced keeps it, to speak
 * of it yet. All else about it is known to pool/ alone.
 */

#include <stdbool.h>

struct service_record;

/* Embedded in its owner. */
struct pool_handle {
	unsigned references;
	struct service_record *record; /* of its service */
	bool passes; /* of dispatch `pass`: its clients are passed to it */

	/* Called when nobody names it any more. */
	void (*free)(struct pool_handle *pool);
};

/* Both harmless with NULL. */
struct pool_handle *pool_handle_ref(struct pool_handle *pool);
void pool_handle_unref(struct pool_handle *pool);
