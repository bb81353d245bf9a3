#pragma once

/* superd --reload and --stop: a signal for the superd of a pid file. */

/* Sends SIGHUP. Returns 0, or a negative errno after saying why on standard error. */
int tell_reload(const char *pid_file);

/* Sends SIGTERM and waits until that superd has ended. Returns as tell_reload(). */
int tell_stop(const char *pid_file);
