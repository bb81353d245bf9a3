#pragma once

/*
 * Programs that could not be started. All are counted; the log has at most one line a second for
 * each service, and then says for how many more clients that was so.
 */

#include "net/timer.h"

struct address;
struct service;
struct service_record;
struct service_records;
struct service_stats;
struct spawn_failure;

struct failures {
	struct timers *timers;
	struct service_stats *stats;
	const struct service_records *records;
	struct timer timer; /* while there is something to say */
};

/* The caller keeps what it passes. */
void failures_init(struct failures *failures, struct timers *timers, struct service_stats *stats,
		   const struct service_records *records);

/* The program of @service was not started for @peer. Length 0: it was not for one client. */
void failures_note(struct failures *failures, struct service_record *record,
		   const struct service *service, const struct address *peer,
		   const struct spawn_failure *failure);

/* Says what is left to say. */
void failures_fini(struct failures *failures);
