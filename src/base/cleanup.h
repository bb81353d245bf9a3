#pragma once

/*
 * Makes ownership visible. AUTO() gives a local variable a destructor that runs wherever the
 * function returns. take_ptr() and take_fd() hand the value over to another owner.
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

/* Returns the value and empties the variable, so that its destructor does nothing. */
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
