#pragma once

/*
 * The file of a Unix socket: how it comes to be, whether it is ours, and how it goes.
 *
 * For listener.c alone.
 */

#include <stdbool.h>
#include <sys/stat.h>

struct address;
struct listener_options;

/*
 * Binds @fd to the path of @address, with mode and owner as wanted from the first moment,
 * listens where clients connect, and tells in @out which file it is. A socket that nobody
 * serves is replaced; one that somebody serves is left: -EADDRINUSE; and so is what is no
 * socket: -EEXIST.
 */
int socket_file_open(int fd, const struct address *address, const struct listener_options *options,
		     struct stat *out);

/* Whether @path is still the socket that was made, by its @device and @inode. */
bool socket_file_is(const char *path, dev_t device, ino_t inode);

int socket_file_apply(const char *path, const struct listener_options *options);
