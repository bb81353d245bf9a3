#include "net/socket-file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bounded.h"
#include "base/cleanup.h"
#include "net/address.h"
#include "net/socket-options.h"

#define LOOK_MS 1
#define LOOKS 100

static int set_owner(const char *path, const struct listener_options *options)
{
	if (options->uid == (uid_t)-1 && options->gid == (gid_t)-1)
		return 0;
	return fchownat(AT_FDCWD, path, options->uid, options->gid, AT_SYMLINK_NOFOLLOW) < 0
		       ? -errno
		       : 0;
}

/* The kernel makes the file with the mode of the socket, so no other mode is ever seen. */
static int bind_with_mode(int fd, const struct address *address, mode_t mode)
{
	mode_t mask;
	int r;

	if (fchmod(fd, mode) < 0)
		return -errno;

	mask = umask(0);
	r = bind(fd, &address->any, address->length) < 0 ? -errno : 0;
	(void)umask(mask);
	return r;
}

/* Another process may have the file aside for a moment, to look at it: see move_aside(). */
static int find_file(const char *path, struct stat *out)
{
	for (int looks = 0; lstat(path, out) < 0; looks++) {
		if (errno != ENOENT || looks == LOOKS)
			return -errno;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

/* Binds to a path that does not exist, and listens. Removes the file on failure. */
static int make(int fd, const struct address *address, const struct listener_options *options,
		struct stat *out)
{
	const char *path = address->un.sun_path;
	int type = socket_option(fd, SOL_SOCKET, SO_TYPE);
	int r;

	r = bind_with_mode(fd, address, options->mode);
	if (r < 0)
		return r;

	r = set_owner(path, options);
	if (r == 0 && type < 0)
		r = type;
	if (r == 0 && type != SOCK_DGRAM && listen(fd, options->backlog) < 0)
		r = -errno;
	if (r == 0)
		r = find_file(path, out);
	if (r < 0)
		(void)unlink(path);
	return r;
}

static bool is_no_socket(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

/*
 * Whether the path is a socket whose process has gone. A datagram socket can test all types: a live
 * socket of another type answers EPROTOTYPE, and sees no connection.
 */
static bool is_stale(const struct address *address, struct stat *out)
{
	AUTO(auto_close) int probe = -1;

	if (lstat(address->un.sun_path, out) < 0 || !S_ISSOCK(out->st_mode))
		return false;

	probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return probe >= 0 && connect(probe, &address->any, address->length) < 0 &&
	       errno == ECONNREFUSED;
}

/* Chooses an unused name in the same directory. Returns 0, or -ENAMETOOLONG. */
static int choose_beside(const struct address *address, struct address *out)
{
	const char *path = address->un.sun_path;
	int n = (int)(strrchr(path, '/') - path);
	unsigned number;
	int length;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		number = (unsigned)getpid();
	*out = *address;
	length = snprintf(out->un.sun_path, sizeof(out->un.sun_path), "%.*s/.sd%08x", n, path,
			  number);
	if (length < 0 || (size_t)length >= sizeof(out->un.sun_path))
		return -ENAMETOOLONG;

	out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1);
	return 0;
}

/*
 * Moves @stale from @path to @beside. A socket has the name for ever by which it was bound, and the
 * path must be free for that, so the stale file goes first. If another process has replaced it
 * meanwhile, its file is put back. Then -EADDRINUSE is returned.
 */
static int move_aside(const char *path, const char *beside, const struct stat *stale)
{
	struct stat found;

	if (!socket_file_is(path, stale->st_dev, stale->st_ino))
		return -EADDRINUSE;
	if (rename(path, beside) < 0)
		/* Another process has moved it, and is about to bind the path. */
		return errno == ENOENT ? 0 : -errno;
	if (lstat(beside, &found) == 0 && found.st_dev == stale->st_dev &&
	    found.st_ino == stale->st_ino)
		return 0;

	if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) < 0 && errno == EINVAL)
		(void)rename(beside, path);
	return -EADDRINUSE;
}

/* Whoever binds the free path first has it. */
static int replace(int fd, const struct address *address, const struct listener_options *options,
		   const struct stat *stale, struct stat *out)
{
	struct address beside;
	int r;

	/* A longer name does not fit, so the old file is removed where it is. */
	if (choose_beside(address, &beside) < 0) {
		if (unlink(address->un.sun_path) < 0 && errno != ENOENT)
			return -errno;
		return make(fd, address, options, out);
	}

	r = move_aside(address->un.sun_path, beside.un.sun_path, stale);
	if (r < 0)
		return r;
	r = make(fd, address, options, out);
	/* Not before, because a new file could get its number, and be taken for it. */
	(void)unlink(beside.un.sun_path);
	return r;
}

static int open_file(int fd, const struct address *address, const struct listener_options *options,
		     struct stat *out)
{
	struct stat stale;
	int r;

	r = make(fd, address, options, out);
	if (r != -EADDRINUSE)
		return r;
	if (is_no_socket(address->un.sun_path))
		return -EEXIST;
	return is_stale(address, &stale) ? replace(fd, address, options, &stale, out) : r;
}

/* What a process of its own does: see bounded.h. */
struct work {
	int fd;
	struct address address;
	struct listener_options options;
	struct stat file; /* that was made, or is meant */
};

static int run_open(void *data)
{
	struct work *work = data;

	return open_file(work->fd, &work->address, &work->options, &work->file);
}

int socket_file_open(int fd, const struct address *address, const struct listener_options *options,
		     struct stat *out)
{
	struct work work = { fd, *address, *options, { 0 } };
	int r = bounded_run(run_open, &work, sizeof(work), fd);

	*out = work.file;
	return r;
}

bool socket_file_is(const char *path, dev_t device, ino_t inode)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_dev == device &&
	       status.st_ino == inode;
}

static int run_remove(void *data)
{
	const struct work *work = data;
	const char *path = work->address.un.sun_path;

	if (!socket_file_is(path, work->file.st_dev, work->file.st_ino))
		return -ENOENT;
	return unlink(path) < 0 ? -errno : 0;
}

int socket_file_remove(const struct address *address, dev_t device, ino_t inode)
{
	struct work work = { .address = *address };

	work.file.st_dev = device;
	work.file.st_ino = inode;
	return bounded_run(run_remove, &work, sizeof(work), -1);
}

static int apply(const char *path, const struct listener_options *options)
{
	int r;

	r = set_owner(path, options);
	if (r < 0)
		return r;
	return fchmodat(AT_FDCWD, path, options->mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int run_apply(void *data)
{
	const struct work *work = data;
	const char *path = work->address.un.sun_path;

	return socket_file_is(path, work->file.st_dev, work->file.st_ino)
		       ? apply(path, &work->options)
		       : 0;
}

int socket_file_apply(const struct address *address, dev_t device, ino_t inode,
		      const struct listener_options *options)
{
	struct work work = { .address = *address, .options = *options };

	work.file.st_dev = device;
	work.file.st_ino = inode;
	return bounded_run(run_apply, &work, sizeof(work), -1);
}
