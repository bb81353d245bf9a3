#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int fd_fill_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;

		/* open() takes the lowest free number: @fd, which stays open over execve(). */
		if (open("/dev/null", O_RDWR | O_NOCTTY) < 0)
			return -errno;
	}

	return 0;
}

int fd_raise_limit(struct rlimit *out_old)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*out_old = limit;

	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;

	return 0;
}

void fd_close_others(int first)
{
	(void)close_range(first, ~0U, 0);
}

int fd_set_blocking(int fd, bool blocking)
{
	int flags, wanted;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;

	wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
		return -errno;

	return 0;
}

int fd_duplicate(int fd)
{
	int copy;

	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return copy < 0 ? -errno : copy;
}
