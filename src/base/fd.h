#pragma once

/* Descriptors of the process itself. */

#include <stdbool.h>
#include <sys/resource.h>

/* Opens /dev/null on whichever of 0, 1 and 2 is closed. Returns 0 or a negative errno. */
int fd_fill_standard(void);

/* Raises the soft limit of descriptors to the hard one. Returns 0 or a negative errno. */
int fd_raise_limit(struct rlimit *out_old);

/* Returns 0 or a negative errno. */
int fd_set_blocking(int fd, bool blocking);

/* Closes the descriptor @first and all above it. */
void fd_close_others(int first);

/* Sends @fd to who has the other end of @socket. Does not wait. Returns 0 or a negative errno. */
int fd_send(int socket, int fd);

/*
 * Receives what fd_send() has sent, close-on-exec, or -1 if that found no number. Does not wait.
 * Returns 1, 0 when there is nothing to come, or a negative errno.
 */
int fd_receive(int socket, int *out);

/* Returns a close-on-exec copy, never 0, 1 or 2, or a negative errno. */
int fd_duplicate(int fd);
