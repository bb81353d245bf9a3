#pragma once

/* The lines of the log about programs, one function for each event. */

#include <stdint.h>

struct address;
struct child;
struct keeper;
struct service;
struct service_record;
struct spawn_failure;

void log_started(const struct child *child);

/* @status is as wait(2) gives it. */
void log_child_ended(const struct child *child, int status, int64_t lived_us);

/* Logs at most one line a second for each service, and counts the others. */
void log_not_started(struct keeper *keeper, struct service_record *record,
		     const struct service *service, const struct address *peer,
		     const struct spawn_failure *failure);

/* Logs the counts, at the end of the second or when superd stops. */
void log_unlogged(struct keeper *keeper);
