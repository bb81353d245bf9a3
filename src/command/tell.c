#include "command/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The process that has the lock of the file, which superd holds as long as it lives, or 0. */
static pid_t find_owner(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* Returns a descriptor of the process, or a negative errno after saying why there is none. */
static int find_process(const char *pid_file)
{
	AUTO(auto_close) int fd = open(pid_file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	AUTO(auto_close) int process = -1;
	pid_t pid;

	if (fd < 0) {
		fprintf(stderr, "superd: cannot read the pid file '%s': %s\n", pid_file,
			strerror(errno));
		return -errno;
	}
	pid = find_owner(fd);
	if (pid > 0)
		process = (int)syscall(SYS_pidfd_open, pid, 0);
	/* It may have ended meanwhile, and its number may be that of another. */
	if (process < 0 || find_owner(fd) != pid) {
		fprintf(stderr, "superd: no superd runs that has the pid file '%s'\n", pid_file);
		return -ESRCH;
	}
	return take_fd(process);
}

static int send_signal(int process, int number)
{
	int r;

	if (syscall(SYS_pidfd_send_signal, process, number, NULL, 0) == 0)
		return 0;
	r = -errno;
	fprintf(stderr, "superd: cannot send SIG%s: %s%s\n", sigabbrev_np(number), strerror(-r),
		r == -EPERM ? "; that superd runs as another user, so try it as root" : "");
	return r;
}

int tell_reload(const char *pid_file)
{
	AUTO(auto_close) int process = find_process(pid_file);

	return process < 0 ? process : send_signal(process, SIGHUP);
}

int tell_stop(const char *pid_file)
{
	AUTO(auto_close) int process = find_process(pid_file);
	struct pollfd ended = { .fd = process, .events = POLLIN };
	int r;

	if (process < 0)
		return process;
	r = send_signal(process, SIGTERM);
	if (r < 0)
		return r;
	while (poll(&ended, 1, -1) < 0 && errno == EINTR)
		;
	return 0;
}
