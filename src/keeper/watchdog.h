#pragma once

/*
 * Asks the fronts whether their loops turn, and ends a front that does not answer: it was stopped,
 * or is stuck. Another one is started then.
 *
 * While clients come, the fronts are asked every 15 seconds, and otherwise every 90, because to be
 * asked wakes a machine that rests. They have 10 seconds to answer. A service manager that wants a
 * sign of life more often shortens both times. It is told that superd makes progress when all
 * fronts have answered: then both loops have turned.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/timer.h"

struct fronts;
struct service_stats;
struct timers;

struct watchdog {
	struct timers *timers;
	struct fronts *fronts;
	const struct service_stats *stats;
	struct timer timer;
	int64_t limit_ms;   /* the service manager's; 0: none */
	bool asked;         /* the fronts were asked, and not all have answered */
	unsigned steps;     /* that have passed of the time to answer */
	uint64_t n_clients; /* that had come when the fronts were asked the last time */
};

/* The caller keeps what it passes. */
void watchdog_init(struct watchdog *watchdog, struct timers *timers, struct fronts *fronts,
		   const struct service_stats *stats);
void watchdog_fini(struct watchdog *watchdog);

/* The first front was started. */
void watchdog_start(struct watchdog *watchdog);

/* Another front was started, and has 10 seconds until it must serve. */
void watchdog_expect(struct watchdog *watchdog);

/* It serves. */
void watchdog_relax(struct watchdog *watchdog);

/* A front has answered. */
void watchdog_answered(struct watchdog *watchdog);
