#pragma once

/* The state of superd as text, for the log after SIGUSR1 and for the service manager. */

struct keeper;
struct settings;

void report_state(const struct keeper *keeper);

/* "configuration loaded: 12 services, 14 listeners" */
void report_loaded(const struct settings *settings);

/* "Serving 12 services on 14 listeners". Valid until the next call. */
const char *report_status(const struct keeper *keeper);
