#include "keeper/child/child.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "channel/client-log.h"
#include "keeper/listen/listener-table.h"
#include "keeper/service/service-record.h"
#include "net/closer.h"

struct child *child_new(void)
{
	struct child *child = calloc(1, sizeof(*child));

	if (child)
		child->unread = -1;
	return child;
}

void child_free(struct child *child)
{
	if (!child)
		return;
	closer_release(child->unread);
	free(child->program);
	free(child);
}

static struct client_record client_of(const struct child *child)
{
	return (struct client_record){
		.service = child->record->name,
		.chosen = child->records,
		.peer = &child->peer,
		.unnamed = "",
		.pid = child->pid,
		.local = &child->local,
	};
}

void child_log_start(const struct child *child)
{
	const struct client_record client = client_of(child);

	client_log_start(&client, child->peer.length > 0 ? "accepted" : "started");
}

void child_log_end(const struct child *child, int status, int64_t lived_us)
{
	const struct client_record client = client_of(child);

	client_log_end(&client, &(struct client_end){ .lived_us = lived_us,
						      .status = &status,
						      .program = child->program,
						      .by_superd = child->by_superd });
}

int children_add(struct children *children, struct child *child)
{
	HASH_ADD_INT(children->by_pid, pid, child);
	return child->hh.tbl ? 0 : -ENOMEM;
}

void children_remove(struct children *children, struct child *child)
{
	HASH_DEL(children->by_pid, child);
}

struct child *children_find(const struct children *children, pid_t pid)
{
	struct child *child;

	HASH_FIND_INT(children->by_pid, &pid, child);
	return child;
}

bool children_reaped(struct children *children, pid_t pid, int status)
{
	struct child *child = children_find(children, pid);

	if (!child)
		return false;
	children_remove(children, child);
	child->ended(child, status, clock_us() - child->started_us);
	return true;
}

void children_forget_listeners(struct children *children)
{
	for (struct child *at = children->by_pid; at; at = at->hh.next)
		if (at->bound && at->bound->generations == 0)
			at->bound = NULL;
}

size_t children_count(const struct children *children)
{
	return HASH_COUNT(children->by_pid);
}

void children_fini(struct children *children)
{
	struct child *child, *next;

	HASH_ITER(hh, children->by_pid, child, next)
	{
		children_remove(children, child);
		child_free(child);
	}
}
