#include "keeper/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounded.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"

#define MODE 0644

/* Until it is locked: whoever can read it could lock it first. */
#define MODE_UNLOCKED 0600

static const struct pid_file_claim none = { .fd = -1 };

void pid_file_init(struct pid_file *pid_file)
{
	*pid_file = (struct pid_file){ .now = none, .next = none };
}

/* Work on files, for a process of its own: see bounded.h. */
struct work {
	char path[PATH_MAX];
	char other[PATH_MAX]; /* another name, for a rename */
	dev_t device;         /* of the file that is ours, or 0 */
	ino_t inode;
	pid_t keeper;
	int socket;  /* where a file that was opened is sent */
	pid_t owner; /* out: who has locked the file, or 0 */
};

static int run(bounded_fn *fn, struct work *work, const struct pid_file_claim *claim,
	       const char *path)
{
	if (strlen(path) >= sizeof(work->path))
		return -ENAMETOOLONG;
	(void)strcpy(work->path, path);
	work->device = claim->device;
	work->inode = claim->inode;
	return bounded_run(fn, work, sizeof(*work), work->socket);
}

static int check_ours(void *data)
{
	const struct work *work = data;
	struct stat there;

	return lstat(work->path, &there) == 0 && work->device == there.st_dev &&
	       work->inode == there.st_ino;
}

/* Whether @path is the file that @claim has open. */
static bool is_ours(const struct pid_file_claim *claim, const char *path)
{
	struct work work = { .socket = -1 };

	return claim->fd >= 0 && run(check_ours, &work, claim, path) == 1;
}

static int remove_ours(void *data)
{
	const struct work *work = data;

	return check_ours(data) == 1 ? unlink(work->path) : 0;
}

static void drop(struct pid_file_claim *claim)
{
	const char *name = claim->draft ?: claim->path;
	struct work work = { .socket = -1 };

	if (name && claim->fd >= 0)
		(void)run(remove_ours, &work, claim, name);
	if (claim->fd >= 0)
		close(claim->fd);
	free(claim->draft);
	free(claim->path);
	*claim = none;
}

/*
 * The process that has locked the file. Returns 0 if none has. Only a lock of who may write counts:
 * everybody who can read the file could have another, as soon as a superd has died.
 */
static pid_t find_owner(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

static bool holds_number(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	for (ssize_t i = 0; i < n; i++)
		if (!strchr("0123456789 \n", text[i]) || !text[i])
			return false;
	return n >= 0 && n < (ssize_t)sizeof(text);
}

/* Returns 1 if there is no file, or a stale one; 0 if it is no pid file; or a negative errno. */
static int check_stale(void *data)
{
	struct work *work = data;
	AUTO(auto_close) int fd = -1;
	struct stat status;

	fd = open(work->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0)
		return errno == ELOOP ? 0 : -errno;
	work->owner = find_owner(fd);
	return !work->owner && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       holds_number(fd);
}

/* Whether @path is free, or a stale pid file. Logs if not. */
static bool may_replace(const char *path)
{
	struct work work = { .socket = -1 };
	int r = run(check_stale, &work, &none, path);

	if (r < 0)
		log_error(r, "cannot read the pid file '%s'", path);
	else if (work.owner)
		log_error(0,
			  "the pid file '%s' is that of a superd that runs (pid %ld); stop that "
			  "one, or set another 'pid_file'",
			  path, (long)work.owner);
	else if (r == 0)
		log_error(0,
			  "'%s' is no pid file and is not replaced; remove it, or set another "
			  "'pid_file'",
			  path);
	return r > 0;
}

static int make_draft(void *data)
{
	struct work *work = data;
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	AUTO(auto_close) int fd = open(work->path, flags, MODE_UNLOCKED);
	struct stat status;

	/* A process of this number has died before it served. */
	if (fd < 0 && errno == EEXIST && unlink(work->path) == 0)
		fd = open(work->path, flags, MODE_UNLOCKED);
	if (fd < 0 || dprintf(fd, "%ld\n", (long)work->keeper) < 0 || fstat(fd, &status) < 0)
		return -errno;
	work->device = status.st_dev;
	work->inode = status.st_ino;
	return fd_send(work->socket, fd);
}

/* A process of its own opens the file, but its lock would end with that process. */
static int open_draft(struct pid_file_claim *claim)
{
	AUTO(auto_close) int theirs = -1;
	AUTO(auto_close) int ours = -1;
	struct work work = { .keeper = getpid() };
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	work.socket = theirs;
	r = run(make_draft, &work, &none, claim->draft);
	if (r < 0)
		return r;
	claim->device = work.device;
	claim->inode = work.inode;
	r = fd_receive(ours, &claim->fd);
	if (r > 0 && claim->fd < 0)
		r = -EMFILE;
	return r > 0 ? 0 : r;
}

static int write_draft(struct pid_file_claim *claim)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r = open_draft(claim);

	if (r < 0)
		return r;
	/* Some file systems have no locks. A file there always looks stale. */
	if (fcntl(claim->fd, F_SETLK, &lock) < 0 && errno != ENOLCK && errno != EOPNOTSUPP)
		return -errno;
	return fchmod(claim->fd, MODE) < 0 ? -errno : 0;
}

static int make(struct pid_file_claim *out, const char *path)
{
	int r = -ENOMEM;

	*out = none;
	out->path = strdup(path);
	if (out->path && asprintf(&out->draft, "%s.%ld", path, (long)getpid()) < 0)
		out->draft = NULL;
	if (out->draft)
		r = write_draft(out);
	if (r < 0) {
		log_error(r, "cannot write the pid file '%s'", path);
		drop(out);
	}
	return r;
}

static int rename_draft(void *data)
{
	const struct work *work = data;

	return rename(work->path, work->other) < 0 ? -errno : 0;
}

static int publish(const struct pid_file_claim *claim)
{
	struct work work = { .socket = -1 };

	if (strlen(claim->path) >= sizeof(work.other))
		return -ENAMETOOLONG;
	(void)strcpy(work.other, claim->path);
	return run(rename_draft, &work, claim, claim->draft);
}

int pid_file_prepare(struct pid_file *pid_file, const char *path)
{
	struct pid_file_claim *now = &pid_file->now;

	pid_file_withdraw(pid_file);
	/* To open the file and to close it again would unlock it. */
	if (path && is_ours(now, path) && strcmp(now->path, path) == 0)
		return 0;
	if (path && !is_ours(now, path) && !may_replace(path))
		return -EEXIST;
	if (path && make(&pid_file->next, path) < 0)
		return -EEXIST;
	pid_file->changes = true;
	return 0;
}

void pid_file_publish(struct pid_file *pid_file)
{
	struct pid_file_claim *next = &pid_file->next;
	int r;

	if (!pid_file->changes)
		return;
	/* Another superd may have come in between. */
	if (next->path && (is_ours(&pid_file->now, next->path) || may_replace(next->path))) {
		r = publish(next);
		if (r < 0)
			log_error(r, "cannot write the pid file '%s'", next->path);
		else
			free(take_ptr(next->draft));
	}
	if (next->draft)
		drop(next);
	drop(&pid_file->now);
	pid_file->now = *next;
	*next = none;
	pid_file->changes = false;
}

void pid_file_withdraw(struct pid_file *pid_file)
{
	drop(&pid_file->next);
	pid_file->changes = false;
}

void pid_file_fini(struct pid_file *pid_file)
{
	pid_file_withdraw(pid_file);
	drop(&pid_file->now);
}

void pid_file_abandon(struct pid_file *pid_file)
{
	if (pid_file->now.fd >= 0)
		close(pid_file->now.fd);
	if (pid_file->next.fd >= 0)
		close(pid_file->next.fd);
}
