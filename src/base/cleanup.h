#pragma once

/*
 * Ownership that a reader can see: AUTO() gives a local variable a destructor
 * that runs on every way out, take_ptr() and take_fd() hand its value over.
 */

#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((__cleanup__(fn)))

/* Defines auto_<fn>(), which calls fn() on a local pointer when it goes out of scope. */
#define DEFINE_AUTO(type, fn)                       \
	static inline void auto_##fn(type **object) \
	{                                           \
		fn(*object);                        \
	}                                           \
	struct auto_##fn##_needs_a_semicolon

/* Empties the variable and returns what it held: the destructor then finds nothing. */
#define take_ptr(variable)                       \
	({                                       \
		__auto_type taken_ = (variable); \
		(variable) = NULL;               \
		taken_;                          \
	})

#define take_fd(variable)                \
	({                               \
		int taken_ = (variable); \
		(variable) = -1;         \
		taken_;                  \
	})

static inline void auto_free(void *object)
{
	free(*(void **)object);
}

static inline void auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
