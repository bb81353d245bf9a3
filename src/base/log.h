#pragma once

/*
 * One line of log at a time, to the journal, syslog, a file or standard error.
 *
 * Nothing here ever waits: a line that the target does not take at once is
 * dropped and counted, and the count is said by the next line that gets through.
 * A forked process inherits the open target, and the count too once that is shared: then
 * whoever gets through says it for all of them. Not for threads other than main. The owner
 * of the process ignores or blocks SIGPIPE.
 */

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

enum log_target {
	LOG_TO_PLAIN, /* messages alone on standard error, which may wait; before log_open() */
	LOG_TO_STDERR,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
	LOG_TO_FILE,
};

/* What the journal keeps as fields of its own. Any of them may be NULL. */
struct log_fields {
	const char *service;
	const char *event;
	const char *remote_addr;
	const char *remote_port;
};

/*
 * Switches to @target; @path is for LOG_TO_FILE and is copied. On failure (a
 * negative errno) the old target stays. Opening a file anew is what rotation needs.
 */
int log_open(enum log_target target, const char *path);
void log_close(void);

/*
 * Switches to the journal or syslog although nobody listens there, which log_open() takes for a
 * failure (-ENOENT, -ECONNREFUSED): lines are dropped until somebody does.
 */
int log_open_later(enum log_target target);

/* The open log file, which stays the log's; -1 with another target. */
int log_descriptor(void);

/* Switches to a log file that another process has opened. Takes over @fd. */
void log_adopt_file(int fd);

/* Processes that are forked from now on count dropped lines together with this one. */
int log_share_count(void);

/* Whether warnings and errors go to standard error too: somebody waits there for the start. */
void log_set_watched(bool watched);

/* Whether lines of LOG_DEBUG are written. */
void log_set_debug(bool debug);

/*
 * Calls @fn when this process drops a line for the first time since log_retry() last
 * returned true. The owner then calls that from time to time until it does.
 */
void log_set_drop_hook(void (*fn)(void));
bool log_retry(void);

/* Lines dropped since the count was last said. */
uint64_t log_dropped(void);

/*
 * @error is a negative errno, whose text is appended after ": ", or 0.
 * log_error() and log_warning() return it.
 */
int log_error(int error, const char *fmt, ...) __attribute__((__format__(__printf__, 2, 3)));
int log_warning(int error, const char *fmt, ...) __attribute__((__format__(__printf__, 2, 3)));
void log_info(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

/*
 * A line about one service, "service 'x': ..." with its name as a field. @level is a priority of
 * syslog(3). @error as above, and returned.
 */
int log_service(int level, const char *service, int error, const char *fmt, ...)
	__attribute__((__format__(__printf__, 4, 5)));

/* The same with more fields; the message names the service itself. */
void log_event(int level, const struct log_fields *fields, int error, const char *fmt, ...)
	__attribute__((__format__(__printf__, 4, 5)));
