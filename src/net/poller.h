#pragma once

/*
 * Waits for descriptors to become ready and calls their owners.
 *
 * Readiness is level-triggered: a callback that leaves data behind is called
 * again on the next turn. A callback may add, change or remove any watch,
 * including its own, because the back ends only mark watches as ready and the
 * poller hands them out one at a time.
 */

#include <stdint.h>

#include "base/list.h"

struct poller;
struct watch;

enum {
	WATCH_READ = 1 << 0,
	WATCH_WRITE = 1 << 1,
};

/*
 * AUTO is select until a descriptor would reach FD_SETSIZE, or until there are so many watches that
 * a turn would cost more by select; then it is epoll for all of them.
 */
enum poller_kind {
	POLLER_AUTO,
	POLLER_SELECT,
	POLLER_EPOLL,
};

typedef void watch_fn(struct watch *watch);

/* Embedded in its owner, which finds itself again with container_of(). */
struct watch {
	int fd;
	unsigned wanted;
	unsigned ready;
	watch_fn *fn;
	struct poller *poller; /* NULL while not added */
	struct list link;
	struct list ready_link;
};

struct poller_backend {
	const char *name;
	int (*open)(void **state);
	void (*close)(void *state);
	int (*add)(void *state, struct watch *watch);
	/* @old is what was wanted before; a watch with nothing wanted costs nothing. */
	int (*change)(void *state, struct watch *watch, unsigned old);
	void (*remove)(void *state, struct watch *watch);
	int (*wait)(struct poller *poller, void *state, int timeout_ms);
};

extern const struct poller_backend poller_epoll;
extern const struct poller_backend poller_select;

int poller_new(struct poller **out, enum poller_kind kind);

/*
 * Over epoll, and without a list of its watches: so one thread may add a watch to it, in one
 * system call, while another runs it. From then on the watch is the other thread's.
 */
int poller_new_unlisted(struct poller **out);

/*
 * Forgets the watches that are left, which must still exist. This is also how a forked child rids
 * itself of its parent's poller: to remove a watch there would remove it from the parent's.
 */
void poller_free(struct poller *poller);

/* "select" or "epoll": the back end in use now. */
const char *poller_name(const struct poller *poller);

/* Waits once, for at most @timeout_ms (-1: forever), and calls what is ready. */
int poller_run(struct poller *poller, int timeout_ms);

/* When the last wait ended, of clock_ms(): what is called from poller_run() need not ask. */
int64_t poller_woken_ms(const struct poller *poller);

/*
 * The watch does not own @fd. Remove the watch before closing the descriptor.
 * Returns 0 or a negative errno: -ERANGE where select cannot take the descriptor.
 */
int watch_add(struct watch *watch, struct poller *poller, int fd, unsigned wanted, watch_fn *fn);
int watch_change(struct watch *watch, unsigned wanted);

/*
 * For a thread that does not run the unlisted poller of the watch, of which the thread that does
 * never changes what it wants: no readiness is noticed any more, or again. After
 * watch_suspend() a call may still be under way, or come once more.
 */
void watch_suspend(struct watch *watch);
int watch_resume(struct watch *watch);

/* Harmless on a watch that was never added. */
void watch_remove(struct watch *watch);

/* For back ends: records what was seen on a watch. */
void watch_mark(struct watch *watch, unsigned seen);
