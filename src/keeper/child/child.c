#include "keeper/child/child.h"

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

void children_init(struct children *children)
{
	*children = (struct children){ .n = 0 };
	list_init(&children->list);
}

static struct child **place_of(struct children *children, pid_t pid)
{
	return &children->by_pid[(unsigned)pid % CHILDREN_PLACES];
}

void children_add(struct children *children, struct child *child)
{
	struct child **place = place_of(children, child->pid);

	child->next = *place;
	*place = child;
	list_add_before(&children->list, &child->link);
	children->n++;
}

void children_remove(struct children *children, struct child *child)
{
	struct child **at = place_of(children, child->pid);

	while (*at != child)
		at = &(*at)->next;
	*at = child->next;
	list_unlink(&child->link);
	children->n--;
}

struct child *children_find(const struct children *children, pid_t pid)
{
	struct child *child = children->by_pid[(unsigned)pid % CHILDREN_PLACES];

	while (child && child->pid != pid)
		child = child->next;
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
	list_for_each(link, next, &children->list) {
		struct child *at = container_of(link, struct child, link);

		if (at->bound && at->bound->generations == 0)
			at->bound = NULL;
	}
}

size_t children_count(const struct children *children)
{
	return children->n;
}

void children_fini(struct children *children)
{
	list_for_each(at, next, &children->list) {
		struct child *child = container_of(at, struct child, link);

		children_remove(children, child);
		child_free(child);
	}
}
