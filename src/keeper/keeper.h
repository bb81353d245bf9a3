#pragma once

/*
 * The keeper: holds what must not be lost (settings, listeners, children), forks
 * the front, starts programs, answers signals. It reads no byte from a client.
 *
 * All runs in one thread, from one loop. Each part owns its state and tells by function pointers
 * what happens; what follows for another part is decided here and in the files beside, at
 * once or at the end of the turn.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/backoff.h"
#include "channel/startup.h"
#include "config/load.h"
#include "keeper/child/child.h"
#include "keeper/child/failures.h"
#include "keeper/child/requests.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/listen/listener-table.h"
#include "keeper/pool/pool-state.h"
#include "keeper/reload.h"
#include "keeper/service/service-record.h"
#include "keeper/signals.h"
#include "keeper/watchdog.h"
#include "net/timer.h"

struct activation;
struct generation;
struct poller;
struct service_stats;
struct settings;
struct sources;

struct keeper_options {
	const char *path; /* the configuration, absolute */
	int port_base;    /* or -1: what the configuration says */
	bool privileged;  /* superd runs as root */
	bool foreground;
	struct rlimit descriptors; /* the limit that superd was started with */
	front_main_fn *front_main;

	/* Told once, when the first front serves. */
	void (*serving)(void);
};

struct keeper {
	const struct keeper_options *options;
	struct poller *poller;
	struct timers *timers;
	struct service_stats *stats;
	struct generation *generation; /* the one that serves */

	struct signals signals;
	struct listener_table listener_table;
	struct service_records records;
	struct reserve_fd reserve;
	struct fronts fronts;
	struct children children;
	struct failures failures;
	struct requests requests;
	struct pools pools;
	struct reload reload;
	struct sources *sources; /* of the reload */
	struct rehearsal rehearsal;
	struct watchdog watchdog;

	const struct front *serving; /* the front of which the log has said that it serves */
	struct timer restart;
	struct backoff restart_pause;
	bool start_failed; /* and that was said */
	bool served;       /* the first front serves */
	bool reloaded;     /* in this turn, or tried to */
	bool stopping;
	struct timer stop_limit;
	bool done;
	int exit_status;
};

/* Returns 0; or a negative errno, with nothing left. @activation stays the caller's. */
int keeper_init(struct keeper *keeper, const struct keeper_options *options,
		struct activation *activation);
void keeper_fini(struct keeper *keeper);

/*
 * Puts @settings, which it takes over, in force, and starts the first front. Returns 0 or a
 * negative errno, logged.
 */
int keeper_start(struct keeper *keeper, struct settings *settings);

/* Waits for events, for at most @wait_ms (-1: forever), acts on them, and on what follows. */
void keeper_turn(struct keeper *keeper, int wait_ms);

/*
 * Serves until a signal says to stop, and returns the exit status. Takes over
 * @settings and the sockets in @activation. Expects every signal blocked and
 * disposed of by default.
 */
int keeper_run(const struct keeper_options *options, struct settings *settings,
	       struct activation *activation);
