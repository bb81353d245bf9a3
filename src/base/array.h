#pragma once

/*
 * An array that grows. Its owner has a pointer to the elements, how many there are, and for how
 * many there is room; all three are zero at first. The owner calls free() on the pointer.
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST_ROOM 16

/*
 * Makes room for one element after the first @n of @elements, a typed pointer. @elements and
 * @room (a size_t) are variables. Doubles the room where it is used up, so that adding an element
 * costs the same on average however many there are. Returns 0, or -ENOMEM with all as it was.
 */
#define array_make_room(elements, n, room)                                                \
	({                                                                                \
		void *moved_ = array_grow((elements), (n), &(room), sizeof(*(elements))); \
		if (moved_)                                                               \
			(elements) = moved_;                                              \
		moved_ ? 0 : -ENOMEM;                                                     \
	})

/* For the macro above. Returns where the elements are now, or NULL. */
static inline void *array_grow(void *elements, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room > 0 ? 2 * *room : ARRAY_FIRST_ROOM;
	void *moved;

	if (n < *room)
		return elements;
	moved = reallocarray(elements, wanted, size);
	if (moved)
		*room = wanted;
	return moved;
}
