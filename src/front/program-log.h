#pragma once

/* Logs what programs with `stderr = log` write. Each service has one pipe. */

#include "base/list.h"

struct context;

struct program_log {
	const struct context *context;
	struct list readers;
};

void program_log_init(struct program_log *log, const struct context *context);

/* Reads the pipes that the keeper has opened, until program_log_stop(). Logs a failure. */
void program_log_start(struct program_log *log);

/* Leaves the pipes to another front, and logs unfinished lines. */
void program_log_stop(struct program_log *log);
