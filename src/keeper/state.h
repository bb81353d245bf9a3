#pragma once

/*
 * The keeper's state, and how its parts call each other. Everything runs in the
 * keeper's one thread, from its one loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "config/load.h"
#include "keeper/child/child.h"
#include "keeper/child/failures.h"
#include "keeper/child/requests.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/service/generation.h"
#include "keeper/listen/listener-table.h"
#include "keeper/keeper.h"
#include "keeper/pool/pool-state.h"
#include "keeper/service/service-record.h"
#include "net/poller.h"
#include "net/timer.h"

struct service_stats;
struct front;

/* Where a reload stands. Each state waits for one event. */
enum reload_state {
	RELOAD_NONE,
	RELOAD_REHEARSING, /* for the child that tries the new files */
	RELOAD_HALTING,    /* for the old front to stop accepting */
	RELOAD_STARTING,   /* for the new front to serve */
};

struct reload {
	enum reload_state state;
	bool again; /* a signal came meanwhile: once more after this one, or once it serves */
	struct sources *sources;
	struct rehearsal rehearsal;
	struct generation *next;
	struct front *front; /* the new one */
	struct timer limit;
	bool failed; /* the last one */
};

struct keeper {
	const struct keeper_options *options;
	struct poller *poller;
	struct timers *timers;
	struct watch signal_watch;
	int signal_fd;
	struct reserve_fd reserve;

	struct listener_table listener_table;
	struct service_records records;
	struct children children;
	struct service_stats *stats;
	struct generation *generation;

	struct pools pools;
	struct fronts fronts;
	struct timer restart;
	int64_t restart_pause_ms;
	bool start_failed; /* and that was said */

	struct failures failures;
	struct requests requests;

	struct timer watchdog;
	int64_t watchdog_ms;

	struct reload reload;
	bool served; /* the first front serves */
	bool stopping;
	struct timer stop_limit;
	bool done;
	int exit_status;
};

/* keeper.c */

/* The front said that it serves. */
void keeper_front_ready(struct keeper *keeper, struct front *front);

/* Ends the keeper once it stops and nothing is left to wait for. */
void keeper_stop_if_over(struct keeper *keeper);

/* Before timers and poller, which are told later. */
void keeper_init_pools(struct keeper *keeper);

/* Closes what no generation needs any more. */
void keeper_sweep(struct keeper *keeper);

/* In a process that will be a front for @generation: closes what is the keeper's alone. */
void keeper_abandon(struct keeper *keeper, const struct generation *generation);

/* keeper-log.c */

/* Switches to the log of @settings, in every front too. Logs its failure. */
int keeper_open_log(struct keeper *keeper, const struct settings *settings);

/* If it is a file: somebody has moved that away, maybe. */
void keeper_reopen_log(struct keeper *keeper);

void keeper_say_loaded(struct keeper *keeper);

/* signals.c: watches keeper->signal_fd. Returns 0 or a negative errno. */
int signals_open(struct keeper *keeper);

/* reload.c: each is called when its event has come. */
void reload_begin(struct keeper *keeper);
void reload_again(struct keeper *keeper); /* what came in between may be done now */
void reload_rehearsed(struct keeper *keeper, int status);
void reload_halted(struct keeper *keeper);
void reload_front_ready(struct keeper *keeper);
void reload_front_died(struct keeper *keeper, struct front *front);
void reload_abort(struct keeper *keeper);
void reload_fini(struct keeper *keeper);

/* report.c */

void report_state(struct keeper *keeper);

/* "Serving 12 services on 14 listeners". Valid until the next call. */
const char *keeper_status(const struct keeper *keeper);
