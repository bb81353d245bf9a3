#pragma once

/* What the log says of a listener that cannot be opened. */

#include <stdint.h>

struct listener;

/* How long to look for the processes that have the addresses, when superd starts. */
#define LISTENER_FAILURE_SEARCH_MS 1000

/*
 * Logs why the @listener of @service cannot be opened: @error, and the process that has its address
 * if that is found before clock_ms() is @until_ms (0: it is not looked for). @pause_ms: after which
 * time it is tried again, or 0.
 */
void listener_failure_log(const struct listener *listener, const char *service, int error,
			  int64_t until_ms, int64_t pause_ms);

/* The same where waiting does not help. Returns @error. */
int listener_failure_log_final(const struct listener *listener, const char *service, int error);
