#pragma once

/* The lines of the log about programs, one function for each event. */

#include <stdint.h>

struct address;
struct child;

void log_started(const struct child *child);

/* @status is as wait(2) gives it. */
void log_child_ended(const struct child *child, int status, int64_t lived_us);

/* @peer is the client, or has length 0. @error is a negative errno. */
void log_not_started(const char *service, const char *program, const struct address *peer,
		     const char *why, int error);
