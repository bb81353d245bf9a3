#pragma once

/*
 * A reload, step by step, each waiting for one event and none of them blocking:
 *
 *   read the files → a process rehearses them → parse, open new listeners →
 *   the old front stops accepting → fork the new one → it serves → the old one drains
 *
 * Until the last step everything can be taken back, and a failure does just that.
 * The old front stops before the new one is forked, so that the new one starts
 * with the true number of children and no limit is exceeded between the two.
 *
 * Here is the order of the steps, and their limits. What a step does is given when it is made.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "net/timer.h"

struct front;
struct fronts;
struct generation;
struct reload;
struct timers;

/* Those that return a negative errno have logged it. */
struct reload_steps {
	/* Reads the files and tries them in a process. Returns its id, or a negative errno. */
	pid_t (*rehearse)(struct reload *reload);

	/* That process has ended with @status. Makes the next generation, or returns an errno. */
	int (*prepare)(struct reload *reload, int status, struct generation **out);

	/* @front is about to be told to accept no more. */
	void (*leave)(struct reload *reload, struct front *front);

	/* Starts a front for the next generation. Returns 0 or a negative errno. */
	int (*start_front)(struct reload *reload, struct front **out);

	/* The next generation serves, and is the callee's. */
	void (*serve)(struct reload *reload, struct generation *next);

	/* The front that was there goes on, if there is one, from before it was told to leave. */
	void (*stay)(struct reload *reload);

	/* Undoes what the next generation had set, for which no front serves. */
	void (*go_back)(struct reload *reload);

	/* It is over; reload->failed says how it ended. */
	void (*finish)(struct reload *reload);

	/* Ends the process that rehearses. */
	void (*end)(pid_t pid);
};

/* Where a reload stands. Each state waits for one event. */
enum reload_state {
	RELOAD_NONE,
	RELOAD_REHEARSING, /* for the process that tries the new files */
	RELOAD_HALTING,    /* for the old front to stop accepting */
	RELOAD_STARTING,   /* for the new front to serve */
};

/* Embedded in its owner. */
struct reload {
	const struct reload_steps *steps;
	struct timers *timers;
	struct fronts *fronts;
	enum reload_state state;
	bool again;       /* asked for meanwhile */
	bool failed;      /* the last one */
	pid_t rehearsing; /* 0: none */
	struct generation *next;
	struct front *front; /* the new one */
	struct timer limit;
};

/* What is given stays the caller's. */
void reload_init(struct reload *reload, struct timers *timers, struct fronts *fronts,
		 const struct reload_steps *steps);
void reload_fini(struct reload *reload);

/* Begins; or, while one is under way, once that is over. */
void reload_begin(struct reload *reload);

/* For later: reload_again() begins it. */
void reload_remember(struct reload *reload);
void reload_again(struct reload *reload);

/* Process @pid was reaped. Returns whether it was the one that rehearses. */
bool reload_reaped(struct reload *reload, pid_t pid, int status);

/* At the end of a turn: what follows from what the fronts have said in it. */
void reload_settle(struct reload *reload);

/* @front was forgotten. */
void reload_lost_front(struct reload *reload, const struct front *front);

/* The keeper stops: what the reload has started ends, and nothing follows from that. */
void reload_abort(struct reload *reload);
