#pragma once

/* The target of the log of all processes. Only the keeper may open it. */

#include <stdbool.h>
#include <sys/types.h>

struct front;
struct fronts;
struct settings;

/* Switches to the log of @settings, also in every front. Logs a failure. */
int log_target_open(const struct settings *settings, bool foreground, struct fronts *fronts);

/* The same if the log is a file, which may have been moved by a rotation. */
void log_target_reopen(const struct settings *settings, bool foreground, struct fronts *fronts);

/* Process @pid was reaped. Returns whether it wrote the log file: then the log must be opened. */
bool log_target_reaped(pid_t pid);

/* For a forked process: closes what is the keeper's. */
void log_target_abandon(void);

/* The end: what was logged is written, unless that takes too long. */
void log_target_close(void);

/* CHANNEL_LOG_LOST: connects to the daemon of the log, and sends @front the connection. */
void log_target_lend(struct front *front);
