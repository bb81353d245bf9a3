#pragma once

/*
 * The file of a Unix socket: makes it, recognizes it, and removes it.
 *
 * Each function may return -ETIMEDOUT once bounded_enable() was called: the file system does not
 * answer.
 *
 * For listener.c only.
 */

#include <stdbool.h>
#include <sys/stat.h>

struct address;
struct listener_options;

/*
 * Binds @fd to the path of @address, with the right mode from the first moment, and listens if the
 * type has connections. @out says which file it is. -EADDRINUSE: another process serves the socket.
 * -EEXIST: the file is not a socket.
 *
 * A socket whose process has gone is replaced. Clients are refused before, and for a moment find no
 * file. Of several processes that replace it at once one has the path in the end. getsockname(2)
 * tells the path of @address in every case.
 */
int socket_file_open(int fd, const struct address *address, const struct listener_options *options,
		     struct stat *out);

/* Whether @path is still the socket with @device and @inode. May wait for the file system. */
bool socket_file_is(const char *path, dev_t device, ino_t inode);

/* The others do nothing unless the file is still the socket with @device and @inode. */

/* Returns 0, -ENOENT if it is not, or another negative errno. */
int socket_file_remove(const struct address *address, dev_t device, ino_t inode);

/* Sets mode and owner. Returns 0 or a negative errno. */
int socket_file_apply(const struct address *address, dev_t device, ino_t inode,
		      const struct listener_options *options);
