#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret-memory.h"

/* Room for a hundred thousand services. A larger file is no configuration. */
#define SIZE_MAX_OF_FILE (16 << 20)

static int refuse(const char **out_why, const char *why)
{
	*out_why = why;
	return -EINVAL;
}

static int fail(const char **out_why, const char *why)
{
	*out_why = why;
	return errno == EINVAL ? -EIO : -errno;
}

static int read_all(int fd, char *text, size_t size, size_t *out_length)
{
	*out_length = 0;
	while (*out_length < size) {
		ssize_t n = read(fd, text + *out_length, size - *out_length);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			return 0;
		if (n > 0)
			*out_length += n;
	}
	return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int check_kind(const struct stat *status, const char **out_why)
{
	if (S_ISDIR(status->st_mode))
		return refuse(out_why, "this is a directory, not a file");
	if (!S_ISREG(status->st_mode))
		return refuse(out_why, "this is not a regular file");
	return 0;
}

/* One byte more than the file has, to notice if it grows, and a terminator. */
size_t file_room(const struct stat *status)
{
	return status->st_size + 2;
}

static int read_text(int fd, char **out_text, size_t *out_length, const struct stat *status,
		     const char **out_why)
{
	struct stat after;

	*out_text = secret_memory_new(file_room(status));
	if (!*out_text)
		return fail(out_why, "cannot read");
	if (read_all(fd, *out_text, file_room(status) - 1, out_length) < 0 || fstat(fd, &after) < 0)
		return fail(out_why, "cannot read");
	if (*out_length != (size_t)status->st_size || !is_same(status, &after))
		return refuse(out_why, "the file changed while it was read");
	return 0;
}

int file_read(char **out_text, size_t *out_length, struct stat *out_stat, const char *path,
	      const char **out_why)
{
	AUTO(auto_close) int fd = -1;
	int r;

	/* To open a device or a FIFO can have effects, so the type is checked before. */
	r = stat(path, out_stat) < 0 ? 0 : check_kind(out_stat, out_why);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail(out_why, "cannot open");
	if (fstat(fd, out_stat) < 0)
		return fail(out_why, "cannot read");
	r = check_kind(out_stat, out_why);
	if (r < 0)
		return r;
	if (out_stat->st_size > SIZE_MAX_OF_FILE)
		return refuse(out_why, "the file is larger than 16 MiB");

	r = read_text(fd, out_text, out_length, out_stat, out_why);
	if (r < 0)
		secret_memory_free(take_ptr(*out_text), file_room(out_stat));
	return r;
}

bool file_is_open_to_others(const struct stat *status, uid_t owner)
{
	if (status->st_uid != 0 && status->st_uid != owner)
		return true;
	return status->st_mode & S_IWOTH || (status->st_mode & S_IWGRP && status->st_gid != 0);
}

char *file_path_beside(const char *file, const char *path, const char *special)
{
	const char *slash = strrchr(file, '/');
	size_t length = slash && path[0] != '/' ? slash + 1 - file : 0;
	char *out = malloc(2 * length + strlen(path) + 1);
	char *to = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (strchr(special, file[i]))
			*to++ = '\\';
		*to++ = file[i];
	}
	strcpy(to, path);
	return out;
}
