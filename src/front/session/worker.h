#pragma once

/*
 * Workers are threads that start with the front. Each has a loop over its own epoll. The main
 * thread adds a watch to such a loop, and the callback of the watch runs in the worker. Workers
 * move bytes and decide nothing. They open no descriptors, so a number that a worker closes is free
 * until the main thread opens one.
 *
 * All functions are for the main thread.
 */

#include <stddef.h>

#include "net/poller.h"

/* Larger than the default send buffer of the kernel, and so than any record. */
#define LOOP_INCOMING ((size_t)256 * 1024)

/* The loop of the main thread or of a worker, which calls watches. */
struct loop {
	struct poller *poller;
	char *incoming; /* LOOP_INCOMING bytes, for the callback that runs now */
	size_t load;    /* how many sessions the main thread has put there */
};

struct workers;

/*
 * Starts @n threads, with all signals blocked. If not all can be started, there are fewer, perhaps
 * none, which is logged. Returns 0 or -ENOMEM.
 */
int workers_new(struct workers **out, unsigned n);

size_t workers_count(const struct workers *workers);

/* The loop of worker @i, which is less than their number. */
struct loop *workers_loop(struct workers *workers, size_t i);

/* The loop with the smallest load, or NULL when there are no workers. */
struct loop *workers_least(struct workers *workers);

/*
 * Ends the threads and waits for their end, which takes no longer than a turn. Their watches then
 * belong to the main thread, which may remove them. May be called again, and with NULL.
 */
void workers_stop(struct workers *workers);

/* Stops the workers first. */
void workers_free(struct workers *workers);
