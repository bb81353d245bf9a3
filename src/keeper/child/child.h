#pragma once

/* The child table: which programs run, for which client, and since when. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/table.h"
#include "net/address.h"

struct bound_listener;
struct process;
struct service_record;

struct child {
	pid_t pid;
	struct service_record *record;
	unsigned records; /* what the log says about it: RECORD_... */
	int64_t started_us;
	struct address peer;          /* length 0: it owns a listener and has no one client */
	struct bound_listener *bound; /* of `wait` and of datagrams; NULL once it is closed */
	bool owns_listener;
	struct process *process; /* of a pool, or NULL */
	int unread;              /* the connected socket of a datagram client, or -1 */
	struct list unread_link; /* after its end, until a front reads that socket */
	UT_hash_handle hh;
};

struct children {
	struct child *by_pid;
};

/*
 * Allocates the record before the child is started, so that no child runs without a record. May
 * return NULL.
 */
struct child *child_new(void);

/* Also closes the descriptors of the record. */
void child_free(struct child *child);

/* Returns 0 or -ENOMEM. */
int children_add(struct children *children, struct child *child);
struct child *children_find(struct children *children, pid_t pid);
void children_remove(struct children *children, struct child *child);

/* Forgets listeners that no generation names, because they are closed next. */
void children_forget_listeners(struct children *children);

size_t children_count(const struct children *children);
