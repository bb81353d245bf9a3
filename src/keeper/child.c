#include "keeper/child.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "keeper/house.h"
#include "keeper/member.h"

struct child *child_new(void)
{
	struct child *child = calloc(1, sizeof(*child));

	if (child)
		child->leftover = -1;
	return child;
}

void child_free(struct child *child)
{
	if (!child)
		return;
	if (child->leftover >= 0)
		close(child->leftover);
	member_free(child->member);
	free(child);
}

int children_add(struct children *children, struct child *child)
{
	HASH_ADD_INT(children->by_pid, pid, child);
	return child->hh.tbl ? 0 : -ENOMEM;
}

struct child *children_find(struct children *children, pid_t pid)
{
	struct child *child;

	HASH_FIND_INT(children->by_pid, &pid, child);
	return child;
}

void children_remove(struct children *children, struct child *child)
{
	HASH_DEL(children->by_pid, child);
}

void children_forget_listeners(struct children *children)
{
	for (struct child *at = children->by_pid; at; at = at->hh.next)
		if (at->housed && at->housed->generations == 0)
			at->housed = NULL;
}

size_t children_count(const struct children *children)
{
	return HASH_COUNT(children->by_pid);
}
