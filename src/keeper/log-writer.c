#include "keeper/log-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define WAIT_MS 1000
#define ROOM (1 << 20) /* of the pipe, if the system grants it */
#define BUFFER_SIZE (64 * 1024)

/* What the writer says once it has tried to open the file, besides an errno. */
#define OPENED 0
#define NOT_REGULAR (-1)

/* In the writer */

struct file {
	const char *path;
	int fd;    /* -1: not open */
	bool torn; /* it ends in the middle of a line */
};

static volatile sig_atomic_t reopen;

static void on_hangup(int number)
{
	reopen = 1;
}

static int open_file(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->torn = false;
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640);
	return file->fd < 0 ? errno : OPENED;
}

static bool is_regular(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

/* Returns how many of the @n bytes were written. */
static size_t write_all(const struct file *file, const char *text, size_t n)
{
	size_t written = 0;

	while (written < n) {
		ssize_t r = write(file->fd, text + written, n - written);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		written += (size_t)r;
	}
	return written;
}

static void write_lines(struct file *file, const char *text, size_t n)
{
	size_t written = 0;
	unsigned lost = 0;

	if (file->fd < 0 && open_file(file) != OPENED)
		file->fd = -1;
	if (file->fd >= 0 && (!file->torn || write_all(file, "\n", 1) == 1)) {
		written = write_all(file, text, n);
		file->torn = written > 0 && text[written - 1] != '\n';
	}
	for (size_t i = written; i < n; i++)
		lost += text[i] == '\n';
	log_note_dropped(lost);
}

static _Noreturn void serve(struct file *file, int pipe)
{
	static char buffer[BUFFER_SIZE];

	for (;;) {
		ssize_t n = read(pipe, buffer, sizeof(buffer));

		if (n == 0)
			_exit(0);
		if (reopen) {
			reopen = 0;
			(void)open_file(file);
		}
		if (n > 0)
			write_lines(file, buffer, (size_t)n);
	}
}

/* Keeps nothing of the keeper but the two pipes, which become 3 and 4. */
static void keep_pipes(int pipe, int status)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	pipe = fcntl(pipe, F_DUPFD, 10);
	status = fcntl(status, F_DUPFD, 10);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	(void)dup2(pipe, 3);
	(void)dup2(status, 4);
	(void)close_range(5, ~0U, 0);
}

static _Noreturn void run(const char *path, int pipe, int status)
{
	const struct sigaction action = { .sa_handler = on_hangup };
	struct file file = { .path = path, .fd = -1 };
	sigset_t hangup;
	int answer;

	(void)prctl(PR_SET_NAME, "superd-log");
	keep_pipes(pipe, status);
	answer = is_regular(path) ? open_file(&file) : NOT_REGULAR;
	(void)!write(4, &answer, sizeof(answer));
	close(4);
	if (answer != OPENED)
		_exit(0);
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigprocmask(SIG_UNBLOCK, &hangup, NULL);
	serve(&file, 3);
}

/* In the keeper */

/* Returns what the writer says. If it takes too long, lines wait in the pipe. */
static int wait_for_answer(int status)
{
	struct pollfd waiting = { .fd = status, .events = POLLIN };
	int answer = OPENED;

	if (poll(&waiting, 1, WAIT_MS) <= 0)
		return OPENED;
	return read(status, &answer, sizeof(answer)) == sizeof(answer) ? answer : EIO;
}

static int start(const char *path, int lines[2], int status[2], pid_t *out_pid)
{
	int answer;

	*out_pid = fork();
	if (*out_pid < 0)
		return -errno;
	if (*out_pid == 0)
		run(path, lines[0], status[1]);
	close(take_fd(status[1]));
	answer = wait_for_answer(status[0]);
	return answer == NOT_REGULAR ? 1 : -answer;
}

int log_writer_start(struct log_writer *writer, const char *path, int *out_pipe)
{
	AUTO(auto_free) char *copy = strdup(path);
	int lines[2] = { -1, -1 }, status[2] = { -1, -1 };
	pid_t pid;
	int r;

	if (!copy)
		return -ENOMEM;
	r = pipe2(lines, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0)
		r = start(path, lines, status, &pid);
	if (r == 0) {
		(void)fcntl(lines[1], F_SETPIPE_SZ, ROOM);
		(void)fcntl(lines[1], F_SETFL, O_NONBLOCK);
		free(writer->path);
		writer->path = take_ptr(copy);
		writer->pid = pid;
		*out_pipe = take_fd(lines[1]);
	}
	for (int i = 0; i < 2; i++) {
		auto_close(&lines[i]);
		auto_close(&status[i]);
	}
	return r;
}

bool log_writer_has(const struct log_writer *writer, const char *path)
{
	return writer->pid > 0 && strcmp(writer->path, path) == 0;
}

void log_writer_reopen(const struct log_writer *writer)
{
	if (writer->pid > 0)
		kill(writer->pid, SIGHUP);
}

bool log_writer_reaped(struct log_writer *writer, pid_t pid)
{
	if (writer->pid == 0 || writer->pid != pid)
		return false;
	writer->pid = 0;
	return true;
}

void log_writer_finish(struct log_writer *writer)
{
	struct pollfd waiting = { .fd = -1, .events = POLLIN };

	if (writer->pid > 0)
		waiting.fd = (int)syscall(SYS_pidfd_open, writer->pid, 0);
	if (waiting.fd >= 0) {
		(void)poll(&waiting, 1, WAIT_MS);
		(void)waitpid(writer->pid, NULL, WNOHANG);
		close(waiting.fd);
	}
	free(take_ptr(writer->path));
	writer->pid = 0;
}
