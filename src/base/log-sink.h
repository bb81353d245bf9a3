#pragma once

/*
 * A sink writes lines of log to one target. It writes a line whole, or not at all.
 *
 * Only log.c uses it. A sink never waits. The exception is LOG_TO_PLAIN, which serves the start:
 * a lost error message would then be worse than a pause.
 */

#include <stdbool.h>

#include "base/log-line.h"

struct log_sink {
	enum log_target target;
	int fd;
	bool is_socket;
	bool has_time;  /* of standard error: each line begins with the time */
	bool may_block; /* others use the same open file, so it is blocking: ask poll() first */
	bool torn;      /* only a part of the last line was written */
	bool leaves_connecting; /* to another process */
};

/* Returns 0 or a negative errno: -ENOENT or -ECONNREFUSED where no daemon listens. */
int log_sink_open(struct log_sink *sink, enum log_target target, const char *path);

/* The same for a daemon that need not run yet: each line tries to reach it. */
int log_sink_open_later(struct log_sink *sink, enum log_target target);

/* Connects to the daemon once more. Returns 0, also for other targets, or a negative errno. */
int log_sink_connect(const struct log_sink *sink);

/* Whether a line that failed with @error needs another process to connect. */
bool log_sink_needs_connecting(const struct log_sink *sink, int error);

void log_sink_close(struct log_sink *sink);

/* Returns 0, or a negative errno when the line was not written. */
int log_sink_write(struct log_sink *sink, const struct log_line *line);

/* For tests: sets where the daemons listen. NULL restores the system's path. */
void log_sink_set_paths(const char *journal, const char *syslog_path);
