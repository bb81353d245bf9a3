#include "base/log-sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/journal-stream.h"

#define JOURNAL_PATH "/run/systemd/journal/socket"
#define SYSLOG_PATH "/dev/log"

/* Room for the text of a line, its head and its fields. A pipe takes up to PIPE_BUF bytes whole. */
#define RECORD_MAX 4000

struct record {
	size_t n;
	char data[RECORD_MAX];
};

static const char *journal_path = JOURNAL_PATH;
static const char *syslog_path = SYSLOG_PATH;

void log_sink_set_paths(const char *journal, const char *syslog)
{
	journal_path = journal ? journal : JOURNAL_PATH;
	syslog_path = syslog ? syslog : SYSLOG_PATH;
}

static int connect_daemon(int fd, enum log_target target)
{
	const char *path = target == LOG_TO_JOURNAL ? journal_path : syslog_path;
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);

	return connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0 ? -errno : 0;
}

static bool is_daemon(enum log_target target)
{
	return target == LOG_TO_JOURNAL || target == LOG_TO_SYSLOG;
}

int log_sink_connect(const struct log_sink *sink)
{
	return is_daemon(sink->target) ? connect_daemon(sink->fd, sink->target) : 0;
}

int log_sink_open_later(struct log_sink *sink, enum log_target target)
{
	*sink = (struct log_sink){ .target = target, .is_socket = true };
	sink->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return sink->fd < 0 ? -errno : 0;
}

static int open_daemon(struct log_sink *sink, enum log_target target)
{
	int r;

	r = log_sink_open_later(sink, target);
	if (r < 0)
		return r;
	r = connect_daemon(sink->fd, target);
	if (r < 0)
		log_sink_close(sink);
	return r;
}

/*
 * Other processes use the open file of standard error too, so O_NONBLOCK must not be set on it.
 * A second open file of the same terminal or pipe belongs to superd alone. A regular file is used
 * as it is: it needs no O_NONBLOCK, and all who share the open file share the place in it, so that
 * nobody writes over the lines of another.
 */
static int open_stderr(struct log_sink *sink)
{
	struct stat status;

	if (fstat(STDERR_FILENO, &status) < 0)
		return -errno;

	sink->has_time = !journal_stream_is(STDERR_FILENO);
	sink->is_socket = S_ISSOCK(status.st_mode);
	if (!sink->is_socket && !S_ISREG(status.st_mode)) {
		sink->fd = open("/proc/self/fd/2",
				O_WRONLY | O_NONBLOCK | O_APPEND | O_NOCTTY | O_CLOEXEC);
		if (sink->fd >= 0)
			return 0;
	}

	sink->may_block = !sink->is_socket;
	sink->fd = fd_duplicate(STDERR_FILENO);
	return sink->fd < 0 ? sink->fd : 0;
}

static int open_file(struct log_sink *sink, const char *path)
{
	sink->fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
	return sink->fd < 0 ? -errno : 0;
}

int log_sink_open(struct log_sink *sink, enum log_target target, const char *path)
{
	*sink = (struct log_sink){ .target = target, .fd = -1 };

	switch (target) {
	case LOG_TO_STDERR:
		return open_stderr(sink);
	case LOG_TO_JOURNAL:
	case LOG_TO_SYSLOG:
		return open_daemon(sink, target);
	case LOG_TO_FILE:
		return open_file(sink, path);
	case LOG_TO_PLAIN:
		break;
	}

	sink->fd = STDERR_FILENO;
	return 0;
}

void log_sink_close(struct log_sink *sink)
{
	if (sink->fd > STDERR_FILENO)
		close(sink->fd);
	sink->fd = -1;
}

/* Appends all @n bytes or none. */
static void append(struct record *record, const void *data, size_t n)
{
	if (n > sizeof(record->data) - record->n)
		return;
	memcpy(record->data + record->n, data, n);
	record->n += n;
}

static void append_text(struct record *record, const char *text)
{
	append(record, text, strlen(text));
}

/* The journal's native protocol: NAME=value, or NAME, the length and a value of several lines. */
static void append_field(struct record *record, const char *name, const char *value)
{
	struct record field = { .n = 0 };
	size_t n;

	if (!value || !*value)
		return;

	n = strlen(value);
	append_text(&field, name);
	if (memchr(value, '\n', n)) {
		unsigned char length[8];

		for (unsigned i = 0; i < sizeof(length); i++)
			length[i] = (unsigned char)((uint64_t)n >> (8 * i));
		append_text(&field, "\n");
		append(&field, length, sizeof(length));
	} else {
		append_text(&field, "=");
	}
	if (n + 1 > sizeof(field.data) - field.n)
		return;
	append(&field, value, n);
	append_text(&field, "\n");

	append(record, field.data, field.n);
}

static void append_number(struct record *record, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	append_field(record, name, text);
}

static void append_status(struct record *record, int status)
{
	char text[24];
	const char *name;

	if (!WIFSIGNALED(status)) {
		append_number(record, "SUPERD_EXIT_STATUS", (unsigned)WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	if (name)
		(void)snprintf(text, sizeof(text), "SIG%s", name);
	else
		(void)snprintf(text, sizeof(text), "%d", WTERMSIG(status));
	append_field(record, "SUPERD_SIGNAL", text);
}

static void append_end(struct record *record, const struct log_end *end)
{
	if (end->duration_us >= 0)
		append_number(record, "SUPERD_DURATION_USEC", (uint64_t)end->duration_us);
	if (end->status)
		append_status(record, *end->status);
	if (!end->has_traffic)
		return;
	append_number(record, "SUPERD_BYTES_IN", end->bytes_in);
	append_number(record, "SUPERD_BYTES_OUT", end->bytes_out);
}

static void append_fields(struct record *record, const struct log_fields *fields)
{
	append_field(record, "SUPERD_SERVICE", fields->service);
	append_field(record, "SUPERD_EVENT", fields->event);
	append_field(record, "REMOTE_ADDR", fields->remote_addr);
	append_field(record, "REMOTE_PORT", fields->remote_port);
	append_field(record, "SERVER_ADDR", fields->server_addr);
	append_field(record, "SERVER_PORT", fields->server_port);
	append_field(record, "SUPERD_REASON", fields->reason);
	if (fields->pid > 0)
		append_number(record, "SUPERD_PID", (uint64_t)fields->pid);
	if (fields->end)
		append_end(record, fields->end);
}

static void compose_journal(struct record *record, const struct log_line *line)
{
	const char priority[] = { (char)('0' + (line->level & 7)), '\0' };
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	append_field(record, "MESSAGE", line->text);
	append_field(record, "PRIORITY", priority);
	append_field(record, "SYSLOG_IDENTIFIER", "superd");
	append_field(record, "SYSLOG_PID", pid);
	if (line->fields)
		append_fields(record, line->fields);
}

static void append_time(struct record *record, enum log_target target)
{
	char text[64] = "";
	time_t now = time(NULL);
	struct tm local;

	if (!localtime_r(&now, &local))
		return;
	if (target == LOG_TO_SYSLOG)
		(void)strftime(text, sizeof(text), "%b %e %H:%M:%S ", &local);
	else
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z ", &local);
	append_text(record, text);
}

/* The journal reads such a head of a line, see sd-daemon(3). */
static void append_priority(struct record *record, int level)
{
	char head[8];

	(void)snprintf(head, sizeof(head), "<%d>", level & 7);
	append_text(record, head);
}

static bool is_for_stream(const struct log_sink *sink)
{
	if (sink->target == LOG_TO_STDERR)
		return !sink->has_time;
	return sink->target == LOG_TO_PLAIN && journal_stream_is(STDERR_FILENO);
}

static void compose_text(struct record *record, const struct log_sink *sink,
			 const struct log_line *line)
{
	enum log_target target = sink->target;
	char head[32];

	if (target == LOG_TO_SYSLOG) {
		(void)snprintf(head, sizeof(head), "<%d>", LOG_DAEMON | (line->level & 7));
		append_text(record, head);
		append_time(record, target);
	} else if (target == LOG_TO_FILE || sink->has_time) {
		append_time(record, target);
	}
	if (is_for_stream(sink))
		append_priority(record, line->level);

	if (target != LOG_TO_PLAIN) {
		(void)snprintf(head, sizeof(head), "superd[%d]: ", (int)getpid());
		append_text(record, head);
	}

	append_text(record, line->text);
	if (target != LOG_TO_SYSLOG)
		append_text(record, "\n");
}

static int send_record(const struct log_sink *sink, const struct record *record)
{
	ssize_t n;

	do
		n = send(sink->fd, record->data, record->n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);

	if (n < 0)
		return -errno;
	return (size_t)n == record->n ? 0 : -EIO;
}

static bool is_lost(int error)
{
	return error != -EAGAIN && error != -EMSGSIZE && error != -ENOBUFS && error != -ENOMEM;
}

bool log_sink_needs_connecting(const struct log_sink *sink, int error)
{
	return sink->leaves_connecting && is_daemon(sink->target) && is_lost(error);
}

/* A daemon that was started anew has a new socket under the old path. */
static int write_daemon(const struct log_sink *sink, const struct record *record)
{
	int r;

	r = send_record(sink, record);
	if (r == 0 || !is_lost(r) || sink->leaves_connecting)
		return r;

	r = connect_daemon(sink->fd, sink->target);
	return r < 0 ? r : send_record(sink, record);
}

static int write_plain(const struct record *record)
{
	const char *at = record->data;
	size_t left = record->n;

	while (left > 0) {
		ssize_t n = write(STDERR_FILENO, at, left);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

			(void)poll(&ready, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		left -= (size_t)n;
	}

	return 0;
}

/* If only a part of the last line was written, a line end comes first: the two lines stay apart. */
static int write_file(struct log_sink *sink, const struct record *record)
{
	struct iovec parts[] = {
		{ .iov_base = "\n", .iov_len = sink->torn },
		{ .iov_base = (char *)record->data, .iov_len = record->n },
	};
	struct pollfd ready = { .fd = sink->fd, .events = POLLOUT };
	ssize_t n;

	if (sink->may_block && poll(&ready, 1, 0) <= 0)
		return -EAGAIN;

	do
		n = writev(sink->fd, parts, 2);
	while (n < 0 && errno == EINTR);

	if (n < 0)
		return -errno;
	if ((size_t)n == parts[0].iov_len + parts[1].iov_len) {
		sink->torn = false;
		return 0;
	}
	sink->torn = sink->torn || n > 0;
	return -EIO;
}

int log_sink_write(struct log_sink *sink, const struct log_line *line)
{
	struct record record;

	record.n = 0;
	if (sink->target == LOG_TO_JOURNAL)
		compose_journal(&record, line);
	else
		compose_text(&record, sink, line);

	switch (sink->target) {
	case LOG_TO_PLAIN:
		return write_plain(&record);
	case LOG_TO_JOURNAL:
	case LOG_TO_SYSLOG:
		return write_daemon(sink, &record);
	case LOG_TO_STDERR:
	case LOG_TO_FILE:
		break;
	}

	return sink->is_socket ? send_record(sink, &record) : write_file(sink, &record);
}
