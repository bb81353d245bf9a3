#pragma once

/* A watch is one descriptor in a poller, and the function that is called when it is ready. */

#include "base/list.h"

struct poller;
struct watch;

enum {
	WATCH_READ = 1 << 0,
	WATCH_WRITE = 1 << 1,
};

typedef void watch_fn(struct watch *watch);

/* Embedded in its owner, which fn() finds with container_of(). */
struct watch {
	int fd;
	unsigned wanted;
	unsigned ready;
	watch_fn *fn;
	struct poller *poller; /* NULL while not added */
	struct list link;
	struct list ready_link;
};
