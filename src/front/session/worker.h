#pragma once

/*
 * Workers are threads that are there beforehand, each with a loop over its own epoll. They
 * move bytes and decide nothing: the main thread adds a watch to the loop of one of
 * them, and what is called for it runs there. They open no descriptors, so a number that one
 * of them closes is not in use again before the main thread wants it to be.
 *
 * All functions are for the main thread.
 */

#include <stddef.h>

#include "net/poller.h"

/* More than the kernel's send buffer takes by default, and so than a record has. */
#define LOOP_INCOMING ((size_t)256 * 1024)

/* Where watches are called: in the main thread, or in a worker. */
struct loop {
	struct poller *poller;
	char *incoming; /* LOOP_INCOMING bytes for whoever is called, who leaves nothing there */
	size_t load;    /* what is there, as the main thread counts it */
};

struct workers;

/*
 * Starts @n threads, with all signals blocked. Where not all can be had it is fewer, maybe none,
 * and a line of the log says so. Returns 0 or -ENOMEM.
 */
int workers_new(struct workers **out, unsigned n);

size_t workers_count(const struct workers *workers);

/* The loop of worker @i, which is less than their number. */
struct loop *workers_loop(struct workers *workers, size_t i);

/* The loop with the smallest load, or NULL when there are no workers. */
struct loop *workers_least(struct workers *workers);

/*
 * Ends the threads and waits for that, which takes no longer than a turn. What is watched in their
 * loops stays so, belongs to the main thread now, and may be removed. Harmless when repeated,
 * and without workers (NULL).
 */
void workers_stop(struct workers *workers);

/* Stops them first. */
void workers_free(struct workers *workers);
