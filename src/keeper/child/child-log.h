#pragma once

/* The lines of the log about programs: one function an event. */

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

/* At most one line a second and service; the others are counted, and the count is said. */
void log_not_started(struct keeper *keeper, struct service_record *record,
		     const struct service *service, const struct address *peer,
		     const struct spawn_failure *failure);

/* Says the count of those, at the end of the second or of superd. */
void log_unlogged(struct keeper *keeper);
