#pragma once

/* The child table: the truth about which programs run, for whom, and since when. */

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
	unsigned records; /* what its end says in the log: RECORD_... */
	int64_t started_us;
	struct address peer;          /* length 0: it owns a listener and has no one client */
	struct bound_listener *bound; /* of wait and datagram children; NULL once it is closed */
	bool owns_listener;
	struct process *process; /* of a pool, or NULL */
	int unread;              /* the connected socket of a datagram client, or -1 */
	struct list unread_link; /* once it has ended, until a front reads that */
	UT_hash_handle hh;
};

struct children {
	struct child *by_pid;
};

/*
 * Makes room for one child before it is started, so that none can start unknown. May return NULL.
 */
struct child *child_new(void);

/* Also closes what the child's record holds. */
void child_free(struct child *child);

/* Returns 0 or -ENOMEM. */
int children_add(struct children *children, struct child *child);
struct child *children_find(struct children *children, pid_t pid);
void children_remove(struct children *children, struct child *child);

/* The listeners that no generation names are about to go. */
void children_forget_listeners(struct children *children);

size_t children_count(const struct children *children);
