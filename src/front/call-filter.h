#pragma once

/* The filter of system calls, which libseccomp makes from the allowed calls. */

#include <stdbool.h>

#include "config/settings.h"

/* Whether this superd was built with libseccomp. */
extern const bool call_filter_is_built;

/*
 * For all threads of the process, for good. Returns 0 or a negative errno. -ENOSYS: superd was
 * built without libseccomp.
 */
int call_filter_install(enum front_seccomp mode);

/* Whether this machine has the call. True where that is not known. */
bool call_filter_knows(const char *call);
