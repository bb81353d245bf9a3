#include "base/background.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* This process's end of the pipe over which the daemon sends one byte, once it serves. */
static int end = -1;

pid_t background_fork(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int r = -errno;

		close(ends[0]);
		close(ends[1]);
		return r;
	}

	close(ends[pid > 0]);
	end = ends[pid == 0];
	if (pid == 0)
		(void)setsid();
	return pid;
}

bool background_wait(pid_t pid, int *out_status)
{
	ssize_t n;
	char byte;

	do
		n = read(end, &byte, 1);
	while (n < 0 && errno == EINTR);
	close(take_fd(end));
	if (n > 0)
		return true;

	if (waitpid(pid, out_status, 0) < 0)
		*out_status = -1;
	return false;
}

void background_serve(void)
{
	if (end >= 0)
		(void)!write(end, "", 1);
	(void)background_leave();
}

bool background_leave(void)
{
	AUTO(auto_close) int pipe = take_fd(end);
	int null;

	if (pipe < 0)
		return false;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	return true;
}
