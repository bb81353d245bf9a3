#pragma once

/* Descriptors of the process itself. */

#include <stdbool.h>
#include <sys/resource.h>

/* Opens /dev/null on whichever of 0, 1 and 2 is closed. Returns 0 or a negative errno. */
int fd_fill_standard(void);

/* Raises the soft limit of descriptors to the hard one and tells what the limit was. */
int fd_raise_limit(struct rlimit *out_old);

int fd_set_blocking(int fd, bool blocking);

/* Closes @first and all above it. */
void fd_close_others(int first);

/* Never returns 0, 1 or 2. The result is close-on-exec. */
int fd_duplicate(int fd);

/*
 * Closes what somebody else opened. The last close() of a socket may wait until its peer has read
 * all, if whoever had it before wanted that.
 */
void fd_discard(int fd);
