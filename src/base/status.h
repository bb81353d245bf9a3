#pragma once

/* How a process ended, in words. */

#define STATUS_TEXT_MAX 48

/* "exit status 1", or "killed by signal 9 (SIGKILL)". @status is that of wait(2). */
char *status_text(int status, char out[static STATUS_TEXT_MAX]);
