#include "keeper/log-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounded.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/privileges.h"
#include "base/process-title.h"

#define WAIT_MS 1000
#define ROOM (1 << 20) /* of a pipe, if the system grants it */
#define BUFFER_SIZE (64 * 1024)

/* What the writer says once it has tried to open the file, besides an errno. */
#define OPENED 0
#define NOT_REGULAR (-1)

/* The descriptors of the writer */
enum { KEEPER = 3, FRONTS, CONTROL, N_ENDS = 3 };

/* In the writer */

struct file {
	int fd;
	bool torn; /* it ends in the middle of a line */
};

static int open_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640);

	return fd < 0 ? -errno : fd;
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

	if (!file->torn || write_all(file, "\n", 1) == 1) {
		written = write_all(file, text, n);
		file->torn = written > 0 && text[written - 1] != '\n';
	}
	for (size_t i = written; i < n; i++)
		lost += text[i] == '\n';
	log_note_dropped(lost);
}

/* Goes on with the last file that was opened. */
static void take_files(struct file *file)
{
	int fd;

	while (fd_receive(CONTROL, &fd) > 0) {
		if (fd < 0)
			continue;
		close(file->fd);
		*file = (struct file){ .fd = fd };
	}
}

/* How many of the @n bytes are whole lines, or all if a line is too long. */
static size_t whole_lines(const char *text, size_t n)
{
	const char *end = memrchr(text, '\n', n);

	if (end)
		return (size_t)(end + 1 - text);
	return n < BUFFER_SIZE ? 0 : n;
}

/*
 * Of a pipe of several writers, each of which writes whole lines, a part of a line may be read. The
 * other pipe must not come between. Returns whether there may be more to come.
 */
static bool copy(struct file *file, int pipe)
{
	static char buffer[2][BUFFER_SIZE];
	static size_t kept[2];
	char *text = buffer[pipe - KEEPER];
	size_t *n = &kept[pipe - KEEPER];
	ssize_t r = read(pipe, text + *n, BUFFER_SIZE - *n);
	size_t whole;

	if (r < 0)
		return true;
	*n += (size_t)r;
	whole = r == 0 ? *n : whole_lines(text, *n);
	/* A file that was opened before the lines were written is for them. */
	take_files(file);
	if (whole > 0)
		write_lines(file, text, whole);
	*n -= whole;
	memmove(text, text + whole, *n);
	return r > 0;
}

static _Noreturn void serve(struct file *file)
{
	struct pollfd waiting[] = {
		{ .fd = KEEPER, .events = POLLIN },
		{ .fd = FRONTS, .events = POLLIN },
	};

	while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
		if (poll(waiting, 2, -1) < 0)
			continue;
		for (size_t i = 0; i < 2; i++)
			if (waiting[i].revents != 0 && !copy(file, waiting[i].fd))
				waiting[i].fd = -1;
	}
	_exit(0);
}

/*
 * Keeps nothing of the keeper but @ends, which get their own numbers. Returns 0 or a negative
 * errno: then these numbers are still what the keeper has there, and must not be used.
 */
static int keep_ends(const int ends[N_ENDS])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int copies[N_ENDS];

	if (null < 0)
		return -errno;
	for (int i = 0; i < N_ENDS; i++) {
		copies[i] = fcntl(ends[i], F_DUPFD, 10);
		if (copies[i] < 0)
			return -errno;
	}
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	for (int i = 0; i < N_ENDS; i++)
		(void)dup2(copies[i], KEEPER + i);
	(void)close_range(KEEPER + N_ENDS, ~0U, 0);
	return 0;
}

/* It reads what a front writes that was taken over. Returns 0 or a negative errno. */
static int confine(const struct privileges_user *user)
{
	const struct rlimit none = { 0 }, descriptors = { 16, 16 };
	enum privileges_step step;
	int r;

	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &descriptors) < 0)
		return -errno;
	r = privileges_drop(user, &step);
	/* An ordinary user's programs can trace the keeper too, so there this is of no use. */
	if (r == 0 && user->change && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r;
}

/* Returns what to say to the keeper. */
static int prepare(struct file *file, const char *path, const struct privileges_user *user)
{
	int r;

	if (!is_regular(path))
		return NOT_REGULAR;
	file->fd = open_path(path);
	if (file->fd < 0)
		return -file->fd;
	r = confine(user);
	return r < 0 ? -r : OPENED;
}

static _Noreturn void run(const char *path, const struct privileges_user *user,
			  const int ends[N_ENDS])
{
	struct file file = { .fd = -1 };
	int answer, r;

	(void)prctl(PR_SET_NAME, "superd-log");
	process_title_set("log");
	r = keep_ends(ends);
	answer = r < 0 ? -r : prepare(&file, path, user);
	(void)!write(r < 0 ? ends[CONTROL - KEEPER] : CONTROL, &answer, sizeof(answer));
	if (answer != OPENED)
		_exit(0);
	serve(&file);
}

/* In the keeper */

/* Returns what the writer says. If it takes too long, lines wait in the pipe. */
static int wait_for_answer(int control)
{
	struct pollfd waiting = { .fd = control, .events = POLLIN };
	int answer = OPENED;

	if (poll(&waiting, 1, WAIT_MS) <= 0)
		return OPENED;
	return read(control, &answer, sizeof(answer)) == sizeof(answer) ? answer : EIO;
}

/* Their ends: 0 is the writer's. */
struct ends {
	int keeper[2];
	int fronts[2];
	int control[2];
};

static void ends_fini(struct ends *ends)
{
	for (int i = 0; i < 2; i++) {
		auto_close(&ends->keeper[i]);
		auto_close(&ends->fronts[i]);
		auto_close(&ends->control[i]);
	}
}

static int make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(ends[1], F_SETPIPE_SZ, ROOM);
	return fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_ends(struct ends *ends)
{
	int r = make_pipe(ends->keeper);

	if (r == 0)
		r = make_pipe(ends->fronts);
	if (r < 0)
		return r;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends->control) < 0 ? -errno
											: 0;
}

static int start(const char *path, const struct privileges_user *user, struct ends *ends,
		 pid_t *out_pid)
{
	int answer;

	*out_pid = fork();
	if (*out_pid < 0)
		return -errno;
	if (*out_pid == 0)
		run(path, user,
		    (int[N_ENDS]){ ends->keeper[0], ends->fronts[0], ends->control[0] });
	close(take_fd(ends->control[0]));
	answer = wait_for_answer(ends->control[1]);
	return answer == NOT_REGULAR ? 1 : -answer;
}

int log_writer_start(struct log_writer *writer, const char *path,
		     const struct privileges_user *user, struct log_pipes *out_pipes)
{
	AUTO(ends_fini) struct ends ends = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	AUTO(auto_free) char *copy = strdup(path);
	pid_t pid;
	int r;

	if (!copy)
		return -ENOMEM;
	r = make_ends(&ends);
	if (r == 0)
		r = start(path, user, &ends, &pid);
	if (r != 0)
		return r;
	log_writer_abandon(writer);
	free(writer->path);
	writer->pid = pid;
	writer->path = take_ptr(copy);
	writer->control = take_fd(ends.control[1]);
	out_pipes->keeper = take_fd(ends.keeper[1]);
	out_pipes->fronts = take_fd(ends.fronts[1]);
	return 0;
}

bool log_writer_has(const struct log_writer *writer, const char *path)
{
	return writer->pid > 0 && strcmp(writer->path, path) == 0;
}

struct reopening {
	int control;
	char path[PATH_MAX];
};

static int send_file(void *data)
{
	const struct reopening *reopening = data;
	AUTO(auto_close) int fd = open_path(reopening->path);

	return fd < 0 ? fd : fd_send(reopening->control, fd);
}

int log_writer_reopen(const struct log_writer *writer)
{
	struct reopening reopening = { .control = writer->control };

	if (writer->pid <= 0)
		return 0;
	if (strlen(writer->path) >= sizeof(reopening.path))
		return -ENAMETOOLONG;
	(void)strcpy(reopening.path, writer->path);
	return bounded_run(send_file, &reopening, sizeof(reopening), reopening.control);
}

bool log_writer_reaped(struct log_writer *writer, pid_t pid)
{
	if (writer->pid == 0 || writer->pid != pid)
		return false;
	writer->pid = 0;
	return true;
}

void log_writer_abandon(struct log_writer *writer)
{
	/* Zeroed, it is none. */
	if (writer->control > 0)
		close(writer->control);
	writer->control = 0;
}

void log_writer_let_go(struct log_writer *writer)
{
	log_writer_abandon(writer);
	free(take_ptr(writer->path));
	writer->pid = 0;
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
	log_writer_let_go(writer);
}
