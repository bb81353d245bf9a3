#pragma once

/* superd --reload and --stop: a signal for the superd of a pid file. */

#include <sys/types.h>

/*
 * Sends SIGHUP, to the superd of the file or to process @pid, and waits until that has reloaded.
 * Returns 0, or a negative errno after saying why on standard error: -ECANCELED if the reload has
 * failed.
 */
int tell_reload(const char *pid_file);
int tell_reload_pid(pid_t pid);

/* Sends SIGTERM and waits until that superd has ended. Returns as tell_reload(). */
int tell_stop(const char *pid_file);
