#pragma once

/*
 * A daemon in the background, and the process that was started and waits for it.
 *
 * The daemon is a fork of the process that was started. That process waits until the daemon serves,
 * or has ended, so that its exit status says whether the start succeeded. Until then the daemon
 * keeps the standard descriptors of the user who started it, for messages. One daemon a process.
 */

#include <stdbool.h>
#include <sys/types.h>

/*
 * Forks. Returns 0 in the daemon, which has a session of its own then; its process id in the
 * process that was started; or a negative errno.
 */
pid_t background_fork(void);

/*
 * In the process that was started: waits. Returns true once the daemon serves, and false with its
 * wait(2) status in @out_status when it has ended before.
 */
bool background_wait(pid_t pid, int *out_status);

/*
 * In the daemon: says that it serves, and does what background_leave() does. Both are harmless in a
 * process that is not in the background.
 */
void background_serve(void);

/*
 * In the daemon, and in each of its forks: gives up the pipe to the process that waits, and
 * replaces the standard descriptors by /dev/null. Returns whether there was something to give up.
 */
bool background_leave(void);
