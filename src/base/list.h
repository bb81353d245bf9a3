#pragma once

/*
 * A circular doubly linked list whose links are embedded in their owners.
 *
 * A link that is in no list, the zeroed one included, reads as not linked, so
 * unlinking twice is harmless.
 */

#include <stdbool.h>
#include <stddef.h>

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

struct list {
	struct list *next;
	struct list *previous;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->previous = head;
}

/* For a head: whether it has entries. For an entry: whether it is in a list. */
static inline bool list_is_linked(const struct list *link)
{
	return link->next && link->next != link;
}

/* Appends, when @head is the head of the list. */
static inline void list_add_before(struct list *head, struct list *link)
{
	link->previous = head->previous;
	link->next = head;
	head->previous->next = link;
	head->previous = link;
}

static inline void list_unlink(struct list *link)
{
	if (!list_is_linked(link))
		return;
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

/* The body may unlink @at, but no other entry. */
#define list_for_each(at, following, head)                                        \
	for (struct list *at = (head)->next, *following = at->next; at != (head); \
	     at = following, following = at->next)
