#pragma once

/*
 * The poller waits until descriptors are ready and calls the functions of their watches.
 *
 * Readiness is level-triggered: a function that leaves data behind is called again on the next
 * turn. It may add, change or remove any watch, its own included, because a back end only marks
 * watches as ready, and the poller then calls their functions one by one.
 */

#include <stdint.h>

#include "net/watch.h"

/*
 * AUTO begins with select. When a descriptor reaches FD_SETSIZE, or when there are so many watches
 * that a turn of select would cost more, all watches move to epoll.
 *
 * UNLISTED is epoll without a list of the watches. One thread may add a watch, with one system
 * call, while another thread runs the poller. From then on the watch belongs to the other thread.
 */
enum poller_kind {
	POLLER_AUTO,
	POLLER_SELECT,
	POLLER_EPOLL,
	POLLER_UNLISTED,
};

/* Returns 0 or a negative errno. */
int poller_new(struct poller **out, enum poller_kind kind);

/*
 * Forgets the watches that are left, which must still exist. A forked child calls this for the
 * poller of its parent. It must not remove the watches, because they share one epoll set.
 */
void poller_free(struct poller *poller);

/* "select" or "epoll": the back end in use now. */
const char *poller_name(const struct poller *poller);

/* Waits once, for at most @timeout_ms (-1: forever), and calls what is ready. */
int poller_run(struct poller *poller, int timeout_ms);

/* clock_ms() at the end of the last wait, so that callbacks of poller_run() need not call it. */
int64_t poller_woken_ms(const struct poller *poller);

/*
 * The watch does not own @fd. Remove the watch before closing the descriptor.
 * Returns 0 or a negative errno: -ERANGE where select cannot take the descriptor.
 */
int watch_add(struct watch *watch, struct poller *poller, int fd, unsigned wanted, watch_fn *fn);
int watch_change(struct watch *watch, unsigned wanted);

/*
 * Stop and resume noticing readiness, from a thread that does not run the unlisted poller of the
 * watch. The thread that runs it must never change what the watch wants. After watch_suspend() the
 * callback may still be running, or be called once more.
 */
void watch_suspend(struct watch *watch);
int watch_resume(struct watch *watch);

/* Does nothing if the watch was never added. */
void watch_remove(struct watch *watch);
