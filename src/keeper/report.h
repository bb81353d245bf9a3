#pragma once

/* The state of superd as text, for the log after SIGUSR1 and for the service manager. */

struct generation;
struct keeper;

void report_state(const struct keeper *keeper);

/* "configuration loaded: 12 services, 14 listeners", or "...; 2 of 14 listeners are open". */
void report_loaded(const struct generation *generation);

/* "Serving 12 services on 14 listeners". Valid until the next call. */
const char *report_status(const struct keeper *keeper);
