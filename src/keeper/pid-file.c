#include "keeper/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define MODE 0644

/* Until it is locked: whoever can read it could lock it first. */
#define MODE_UNLOCKED 0600

static const struct pid_file_claim none = { .fd = -1 };

void pid_file_init(struct pid_file *pid_file)
{
	*pid_file = (struct pid_file){ .now = none, .next = none };
}

/* Whether @path is the file that @claim has open. */
static bool is_ours(const struct pid_file_claim *claim, const char *path)
{
	struct stat ours, there;

	return claim->fd >= 0 && fstat(claim->fd, &ours) == 0 && lstat(path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static void drop(struct pid_file_claim *claim)
{
	const char *name = claim->draft ?: claim->path;

	if (name && is_ours(claim, name))
		(void)unlink(name);
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

/* Whether @path is free, or a stale pid file. Logs if not. */
static bool may_replace(const char *path)
{
	AUTO(auto_close) int fd = -1;
	struct stat status;
	pid_t owner;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 && errno != ELOOP) {
		log_error(-errno, "cannot read the pid file '%s'", path);
		return false;
	}
	owner = fd < 0 ? 0 : find_owner(fd);
	if (owner)
		log_error(0,
			  "the pid file '%s' is that of a superd that runs (pid %ld); stop that "
			  "one, or set another 'pid_file'",
			  path, (long)owner);
	else if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !holds_number(fd))
		log_error(0,
			  "'%s' is no pid file and is not replaced; remove it, or set another "
			  "'pid_file'",
			  path);
	else
		return true;
	return false;
}

static int write_draft(struct pid_file_claim *claim)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

	claim->fd = open(claim->draft, flags, MODE_UNLOCKED);
	/* A process of this number has died before it served. */
	if (claim->fd < 0 && errno == EEXIST && unlink(claim->draft) == 0)
		claim->fd = open(claim->draft, flags, MODE_UNLOCKED);
	if (claim->fd < 0)
		return -errno;
	/* Some file systems have no locks. A file there always looks stale. */
	if (fcntl(claim->fd, F_SETLK, &lock) < 0 && errno != ENOLCK && errno != EOPNOTSUPP)
		return -errno;
	if (fchmod(claim->fd, MODE) < 0 || dprintf(claim->fd, "%ld\n", (long)getpid()) < 0)
		return -errno;
	return 0;
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

	if (!pid_file->changes)
		return;
	/* Another superd may have come in between. */
	if (next->path && (is_ours(&pid_file->now, next->path) || may_replace(next->path))) {
		if (rename(next->draft, next->path) < 0)
			log_error(-errno, "cannot write the pid file '%s'", next->path);
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
