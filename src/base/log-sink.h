#pragma once

/*
 * Where lines of log go: a target that takes one line, whole, or refuses it.
 *
 * For log.c alone. A sink never waits, but for the plain one, which serves
 * start-up, when a mistake that nobody reads is worse than a pause.
 */

#include <stdbool.h>

#include "base/log.h"

struct log_sink {
	enum log_target target;
	int fd;
	bool is_socket;
	bool may_block; /* the open file is shared with strangers: ask poll() first */
	bool torn;      /* the last line came out in part */
};

struct log_line {
	int level;
	const struct log_fields *fields; /* or NULL */
	const char *text;                /* one line, without its end */
};

/* Returns 0 or a negative errno: -ENOENT or -ECONNREFUSED where no daemon listens. */
int log_sink_open(struct log_sink *sink, enum log_target target, const char *path);

/* The same for a daemon that need not be there: each line looks for it. */
int log_sink_open_later(struct log_sink *sink, enum log_target target);

void log_sink_close(struct log_sink *sink);

/* Returns 0, or a negative errno when the line was not written. */
int log_sink_write(struct log_sink *sink, const struct log_line *line);

/* For tests: where the daemons listen instead. NULL restores the system's path. */
void log_sink_set_paths(const char *journal, const char *syslog_path);
