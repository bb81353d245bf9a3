#pragma once

/*
 * Signals are read from a descriptor; there are no handlers. HUP reloads, USR1 reports, TERM and
 * INT stop, and CHLD says that children have ended.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "net/poller.h"

struct signals;

struct signals_events {
	/* Process @pid was reaped, with the @status of wait(2). */
	void (*on_reaped)(struct signals *signals, pid_t pid, int status);
	/* Process @asker wants an answer; 0: nobody does. @again: it has asked before. */
	void (*on_reload)(struct signals *signals, pid_t asker, bool again);
	void (*on_report)(struct signals *signals);
	void (*on_stop)(struct signals *signals, int number);
};

/* Embedded in its owner. */
struct signals {
	int fd;
	struct watch watch;
	const struct signals_events *events;
};

/* The signals must be blocked. Returns 0 or a negative errno, and then nothing is left. */
int signals_init(struct signals *signals, struct poller *poller,
		 const struct signals_events *events);
void signals_fini(struct signals *signals);
