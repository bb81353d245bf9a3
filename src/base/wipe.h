#pragma once

/*
 * Takes away what is left of secrets that are not needed any more. A forked process would have it
 * too.
 */

#include <stdbool.h>

/*
 * Between begin and end, memory that is freed is overwritten, whoever frees it: the decoder is
 * another's library. Does nothing where a sanitizer has a free() of its own.
 */
void wipe_freed_begin(void);
void wipe_freed_end(void);

/* What functions have left on the stack that have returned. */
void wipe_stack(void);

/* The values of the environment, except for time zone, language and the like. */
void wipe_environment(void);
