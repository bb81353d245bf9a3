#include "command/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/reload-answer.h"

/* Longer than a reload may take, and shorter than systemd waits for it. */
#define ANSWER_LIMIT_MS 60000

/* Of those who ask at once, superd hears one. */
#define AGAIN_MS 500

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

static int report_unsent(int number, int error)
{
	fprintf(stderr, "superd: cannot send SIG%s: %s%s\n", sigabbrev_np(number), strerror(-error),
		error == -EPERM ? "; that superd runs as another user, so try it as root" : "");
	return error;
}

static int send_signal(int process, int number)
{
	if (syscall(SYS_pidfd_send_signal, process, number, NULL, 0) == 0)
		return 0;
	return report_unsent(number, -errno);
}

/* Sends SIGHUP, with the wish for an answer. */
static int send_request(int process, int request)
{
	siginfo_t info = { .si_signo = SIGHUP, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = request;
	if (syscall(SYS_pidfd_send_signal, process, SIGHUP, &info, 0) == 0)
		return 0;
	return report_unsent(SIGHUP, -errno);
}

/* Ctrl-C ends the waiting, not the reload. */
static int open_answers(void)
{
	sigset_t ending, answers;
	int fd;

	sigemptyset(&answers);
	sigaddset(&answers, SIGURG);
	(void)sigprocmask(SIG_BLOCK, &answers, NULL);
	fd = signalfd(-1, &answers, SFD_CLOEXEC | SFD_NONBLOCK);
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGQUIT);
	sigaddset(&ending, SIGTERM);
	(void)sigprocmask(SIG_UNBLOCK, &ending, NULL);
	return fd < 0 ? -errno : fd;
}

/* Returns 0 if the answer has not come yet. */
static int read_answer(int answers)
{
	struct signalfd_siginfo found;

	while (read(answers, &found, sizeof(found)) == sizeof(found))
		if (found.ssi_code == SI_QUEUE &&
		    (found.ssi_int == RELOAD_SUCCEEDED || found.ssi_int == RELOAD_FAILED))
			return found.ssi_int;
	return 0;
}

/* Returns the answer, or a negative errno: -ESRCH if superd has ended. */
static int await_answer(int process, int answers)
{
	struct pollfd polled[] = { { .fd = answers, .events = POLLIN },
				   { .fd = process, .events = POLLIN } };
	int64_t until_ms = clock_ms() + ANSWER_LIMIT_MS;

	for (;;) {
		int64_t left_ms = until_ms - clock_ms();
		int answer = read_answer(answers);

		if (answer)
			return answer;
		if (polled[1].revents)
			return -ESRCH;
		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(polled, 2, left_ms < AGAIN_MS ? (int)left_ms : AGAIN_MS) == 0)
			(void)send_request(process, RELOAD_REQUEST_AGAIN);
	}
}

static int reload(int process)
{
	AUTO(auto_close) int answers = open_answers();
	int r;

	if (answers < 0)
		return log_error(answers, "superd: cannot wait for the end of the reload");
	r = send_request(process, RELOAD_REQUEST);
	if (r < 0)
		return r;
	r = await_answer(process, answers);
	if (r == RELOAD_SUCCEEDED)
		return 0;
	if (r == RELOAD_FAILED) {
		log_error(0,
			  "superd: not reloaded: the configuration could not be applied, and the "
			  "old one serves on; the log of superd says why");
		return -ECANCELED;
	}
	return log_error(r, "superd: it is not known what became of the reload; see the log");
}

int tell_reload(const char *pid_file)
{
	AUTO(auto_close) int process = find_process(pid_file);

	return process < 0 ? process : reload(process);
}

int tell_reload_pid(pid_t pid)
{
	AUTO(auto_close) int process = (int)syscall(SYS_pidfd_open, pid, 0);

	if (process < 0)
		return log_error(-errno, "superd: no process has the id %ld", (long)pid);
	return reload(process);
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
