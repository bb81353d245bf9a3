#pragma once

/*
 * What superd tells the service manager, and the sockets it was given
 * (sd_notify(3), sd_listen_fds(3)). Without libsystemd all of it does nothing.
 */

#include <stdint.h>

#include "keeper/listen/activation.h"

/*
 * Takes the passed sockets out of the environment, or none where the variables are
 * meant for another process. Made close-on-exec.
 */
int activation_take(struct activation *out);

void notify_ready(const char *status);
void notify_reloading(void);

/* The manager is asked not to kill us within @patience_ms, whatever its own limit is. */
void notify_stopping(const char *status, int64_t patience_ms);

void notify_status(const char *status);
void notify_error(int error);
void notify_watchdog(void);

/* Milliseconds in which the manager wants to hear from the watchdog; 0: it does not watch. */
int64_t notify_watchdog_ms(void);
