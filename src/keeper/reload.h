#pragma once

/*
 * A reload, in steps. Each step waits for one event, and none of them blocks:
 *
 *   read the files → a process rehearses them → parse, open new listeners →
 *   the old front stops accepting → fork the new one → it serves → the old one drains
 *
 * Until the last step everything can be undone, and a failure undoes it. The old front stops before
 * the new one is forked. So the new one starts with the true number of children, and both together
 * never exceed a limit.
 *
 * This file has the order of the steps and their time limits. reload-steps.c has their actions.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "net/timer.h"

struct front;
struct fronts;
struct generation;
struct reload;
struct timers;

/* A step that returns a negative errno has logged it. */
struct reload_steps {
	/* Reads the files and starts the rehearsal. Returns its process id, or a negative errno. */
	pid_t (*rehearse)(struct reload *reload);

	/* The rehearsal has ended with @status. Makes the next generation. */
	int (*prepare)(struct reload *reload, int status, struct generation **out);

	/* @front is about to stop accepting. */
	void (*leave)(struct reload *reload, struct front *front);

	/* Starts a front for the next generation. Returns 0 or a negative errno. */
	int (*start_front)(struct reload *reload, struct front **out);

	/* The next generation serves. Takes over @next. */
	void (*serve)(struct reload *reload, struct generation *next);

	/* Undoes leave(): the old front goes on, if there is one. */
	void (*stay)(struct reload *reload);

	/* Undoes the changes that the next generation has made to listeners. */
	void (*go_back)(struct reload *reload);

	/* The reload has ended. reload->failed says how. */
	void (*finish)(struct reload *reload);

	/* Ends the process of the rehearsal. */
	void (*end)(pid_t pid);
};

/* The state of a reload. Each state waits for one event. */
enum reload_state {
	RELOAD_NONE,
	RELOAD_REHEARSING, /* for the process that parses the new files */
	RELOAD_HALTING,    /* for the old front to stop accepting */
	RELOAD_STARTING,   /* for the new front to serve */
};

/* Embedded in its owner. */
struct reload {
	const char *path; /* of the configuration, for the log */
	const struct reload_steps *steps;
	struct timers *timers;
	struct fronts *fronts;
	enum reload_state state;
	bool again;          /* asked for meanwhile */
	bool failed;         /* the last one */
	pid_t rehearsing;    /* 0: none */
	unsigned halt_steps; /* of the time that the old front has */
	struct generation *next;
	struct front *front; /* the new one */
	struct timer limit;
};

/* The caller keeps what it passes. */
void reload_init(struct reload *reload, const char *path, struct timers *timers,
		 struct fronts *fronts, const struct reload_steps *steps);
void reload_fini(struct reload *reload);

/* Begins a reload, or lets it begin when the present one has ended. */
void reload_begin(struct reload *reload);

/* Lets reload_again() begin a reload. */
void reload_remember(struct reload *reload);
void reload_again(struct reload *reload);

/* Process @pid was reaped. Returns whether it was that of the rehearsal. */
bool reload_reaped(struct reload *reload, pid_t pid, int status);

/* Called at the end of a turn: acts on messages that fronts have sent in it. */
void reload_settle(struct reload *reload);

/* @front has gone. */
void reload_lost_front(struct reload *reload, const struct front *front);

/* The keeper stops: ends the processes that the reload has started. */
void reload_abort(struct reload *reload);
