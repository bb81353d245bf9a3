#pragma once

/*
 * The log writes one line at a time to the journal, syslog, a file or standard error.
 *
 * It never waits. A line that the target does not accept at once is dropped and counted. The next
 * line that is accepted comes after another one that reports the count. A forked process inherits
 * the open target. After log_share_count() it shares the count as well, and the first of the
 * processes whose line is accepted reports the count for all of them.
 *
 * Only the main thread logs. The process ignores or blocks SIGPIPE.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "base/log-line.h"

/*
 * Switches to @target; @path is for LOG_TO_FILE only. Returns 0, or a negative errno: then the old
 * target stays. After a rotation of log files, call it again with the same path.
 */
int log_open(enum log_target target, const char *path);
void log_close(void);

/*
 * Switches to the journal or syslog even where no daemon listens, for which log_open() returns
 * -ENOENT or -ECONNREFUSED. Lines are dropped until a daemon listens.
 */
int log_open_later(enum log_target target);

/*
 * What another process needs to write to the same log: a descriptor, which the log still owns. -1
 * with standard error.
 */
int log_descriptor(enum log_target *out_target);

/*
 * After log_adopt(): other processes use @fd, which the log takes over, until the next log is
 * opened. So they cannot fill what this process writes to. A forked process calls log_use_lent().
 */
void log_lend(int fd);
void log_use_lent(void);

/* Switches to a log that another process has opened. Takes over @fd. */
void log_adopt(enum log_target target, int fd);

/* Connects to the daemon of the log again. Returns 0, also for another target, or -errno. */
int log_connect(void);

/*
 * For a process that may not connect to a daemon that was started anew. log_is_lost() then says
 * that lines are dropped until log_adopt(), or until another process with the same descriptor has
 * connected it.
 */
void log_leave_connecting(void);
bool log_is_lost(void);

/* Later forks count dropped lines together with this process. Returns 0 or a negative errno. */
int log_share_count(void);

/* Whether warnings and errors go to standard error as well, where somebody watches the start. */
void log_set_watched(bool watched);

/* Whether the lines of log_debug() are written. Only log_set_debug() changes it. */
extern bool log_debug_wanted;
void log_set_debug(bool debug);

/* Another process than this one has dropped @n lines. */
void log_note_dropped(unsigned n);

/* How many dropped lines no line has reported yet. */
uint64_t log_dropped(void);

/* Whether the log stores fields. Any thread may ask. */
bool log_has_fields(void);

/*
 * Writes a line. @level is a priority of syslog(3), and @fields may be NULL. @error is a negative
 * errno, whose text is appended after ": ", or 0. It is returned.
 */
int log_event(int level, const struct log_fields *fields, int error, const char *fmt, ...)
	__attribute__((__format__(__printf__, 4, 5)));

#define log_error(error, ...) log_event(LOG_ERR, NULL, error, __VA_ARGS__)
#define log_warning(error, ...) log_event(LOG_WARNING, NULL, error, __VA_ARGS__)
#define log_info(...) (void)log_event(LOG_INFO, NULL, 0, __VA_ARGS__)

/* The arguments are evaluated only if the line is written. */
#define log_debug(...)                                                    \
	do {                                                              \
		if (__builtin_expect(log_debug_wanted, false))            \
			(void)log_event(LOG_DEBUG, NULL, 0, __VA_ARGS__); \
	} while (0)

/* A line about one service: "service 'x': ...", with the name as a field. */
int log_service(int level, const char *service, int error, const char *fmt, ...)
	__attribute__((__format__(__printf__, 4, 5)));
