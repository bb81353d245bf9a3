#pragma once

/*
 * What a back end of the poller does. It translates between watches and the kernel, and marks the
 * watches that are ready; it never calls a function of their owners. So a watch may be removed
 * from within such a function.
 */

#include "net/watch.h"

/* All but close() and remove() return 0 or a negative errno. */
struct poller_backend {
	const char *name;
	int (*open)(void **state);
	void (*close)(void *state);
	int (*add)(void *state, struct watch *watch);
	/* @old is what was wanted before. A watch with nothing wanted costs nothing. */
	int (*change)(void *state, struct watch *watch, unsigned old);
	void (*remove)(void *state, struct watch *watch);
	/* Waits once and marks what is ready. */
	int (*wait)(void *state, struct list *ready, int timeout_ms);
};

/* Records what was seen on a watch, and adds the watch to the list of those that are ready. */
static inline void watch_mark(struct watch *watch, unsigned seen, struct list *ready)
{
	if (!list_is_linked(&watch->ready_link))
		watch->ready = 0;

	watch->ready |= seen & watch->wanted;
	if (watch->ready && !list_is_linked(&watch->ready_link))
		list_add_before(ready, &watch->ready_link);
}
