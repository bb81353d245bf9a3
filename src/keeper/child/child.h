#pragma once

/*
 * The child table: which programs run, for which client, and since when. What the end of a child
 * means is known to the code that has started it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "net/address.h"

struct bound_listener;
struct launch;
struct request;
struct request_kind;
struct service_record;

struct child {
	pid_t pid;
	struct service_record *record;
	unsigned records; /* what the log says about it: RECORD_... */
	int64_t started_us;
	struct address peer; /* length 0: it does not run for one client */
	struct address local;
	char *program;  /* its path, for the log; NULL: memory was short */
	bool by_superd; /* which has sent it a signal */

	/* Called after it was reaped and has left the table. Logs the end, and frees the child. */
	void (*ended)(struct child *child, int status, int64_t lived_us);
	void *owner; /* for @ended alone */

	/* Of a request */
	const struct request_kind *kind;
	struct bound_listener *bound; /* NULL once it is closed */
	bool ends_at_stop;            /* its service, with whose listener it runs */
	struct launch *launch;        /* until it is over, then NULL */
	struct request *request;      /* for as long */
	int other;                    /* a descriptor of the launch that is not a standard one */
	int unread;                   /* the connected socket of a datagram client, or -1 */
	struct list unread_link;      /* after its end, until a front reads that socket */
	struct list link;             /* in the order of their starts */
	struct child *next;           /* of those whose pid is found in the same place */
};

#define CHILDREN_PLACES 1024

/* It needs no memory to take one more, so that no process is there that it does not know. */
struct children {
	struct list list;
	size_t n;
	struct child *by_pid[CHILDREN_PLACES];
};

/* Called before the child is started, so that no child runs without a record. May return NULL. */
struct child *child_new(void);

/* Also closes the descriptors of the record. */
void child_free(struct child *child);

/* Write the line of the log about its start, and about its end with the @status of wait(2). */
void child_log_start(const struct child *child);
void child_log_end(const struct child *child, int status, int64_t lived_us);

void children_init(struct children *children);

void children_add(struct children *children, struct child *child);
void children_remove(struct children *children, struct child *child);

/* The child with process @pid, or NULL. */
struct child *children_find(const struct children *children, pid_t pid);

/* Process @pid was reaped; @status is as wait(2) gives it. Returns whether it was one of them. */
bool children_reaped(struct children *children, pid_t pid, int status);

/* Forgets listeners that no generation names, because they are closed next. */
void children_forget_listeners(struct children *children);

size_t children_count(const struct children *children);

/* Forgets the children that are left. They run on. */
void children_fini(struct children *children);
