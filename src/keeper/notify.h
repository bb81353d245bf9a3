#pragma once

/*
 * Messages to the service manager, and the sockets that it has passed (sd_notify(3),
 * sd_listen_fds(3)). Without libsystemd all of this does nothing.
 */

#include <stdint.h>

#include "keeper/listen/activation.h"

struct timers;

/*
 * Takes the passed sockets, and removes their variables from the environment. If the variables are
 * for another process, there are none. The sockets become close-on-exec.
 */
int activation_take(struct activation *out);

/*
 * No function below waits. Messages that the manager does not take at once are sent later, if this
 * was called. The caller keeps @timers until notify_fini(), which drops those that are left.
 */
void notify_init(struct timers *timers);
void notify_fini(void);

void notify_ready(const char *status);
void notify_reloading(void);

/* Asks the manager not to kill superd within @patience_ms, whatever its own limit is. */
void notify_stopping(const char *status, int64_t patience_ms);

void notify_status(const char *status);
void notify_error(int error);
void notify_watchdog(void);

/* The time in which the manager expects a sign of life, in milliseconds; 0: it expects none. */
int64_t notify_watchdog_ms(void);
