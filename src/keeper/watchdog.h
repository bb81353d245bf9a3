#pragma once

/*
 * Tells the service manager that superd makes progress. Real progress is an answer of the front:
 * both loops have turned since the last time. A front that does not answer is ended.
 */

#include <stdint.h>

#include "net/timer.h"

struct fronts;
struct timers;

struct watchdog {
	struct timers *timers;
	struct fronts *fronts;
	struct timer timer;
	int64_t limit_ms; /* the service manager's */
};

/* Begins, if the service manager wants it. The caller keeps what it passes. */
void watchdog_init(struct watchdog *watchdog, struct timers *timers, struct fronts *fronts);
void watchdog_fini(struct watchdog *watchdog);
