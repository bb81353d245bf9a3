#pragma once

/*
 * The keeper holds what must not be lost: settings, listeners and children. It forks the front,
 * starts programs and answers signals. It reads no byte from a client.
 *
 * Everything runs in one thread, from one loop. Each part owns its state, and reports events by
 * function pointers. This file and those beside it decide what follows for other parts, at once or
 * at the end of the turn.
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
#include "keeper/exec/launches.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/listen/listener-table.h"
#include "keeper/pid-file.h"
#include "keeper/pool/pool-state.h"
#include "keeper/reload-askers.h"
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

struct keeper_options {
	const char *path;     /* the configuration, absolute */
	int port_base;        /* -1: the one of the configuration */
	const char *pid_file; /* absolute; NULL: the one of the configuration */
	bool privileged;      /* superd runs as root */
	bool foreground;
	struct rlimit descriptors; /* the limit that superd was started with */
	front_main_fn *front_main;

	/* Called once, when the first front serves. */
	void (*serving)(void);
};

struct keeper {
	const struct keeper_options *options;
	struct poller *poller;
	struct timers *timers;
	struct service_stats *stats;
	struct generation *generation; /* that serves now */

	struct signals signals;
	struct listener_table listener_table;
	struct service_records records;
	struct reserve_fd reserve;
	struct fronts fronts;
	struct launches launches;
	struct children children;
	struct failures failures;
	struct requests requests;
	struct pools pools;
	struct reload reload;
	struct reload_askers askers;
	struct rehearsal rehearsal;
	struct watchdog watchdog;
	struct pid_file pid_file;

	const struct front *serving; /* the front that was logged as serving */
	struct timer restart;
	struct backoff restart_pause;
	bool start_failed; /* the last start of a front, which was logged */
	bool served;       /* the first front serves */
	bool reloaded;     /* in this turn a reload has succeeded or failed */
	bool stopping;
	bool hurried; /* by a second signal */
	struct timer stop_limit;
	bool launches_given_up; /* when the keeper stops: those under way, and to come */
	bool done;
	int exit_status;
};

/* Returns 0 or a negative errno, and then nothing is left. The caller keeps @activation. */
int keeper_init(struct keeper *keeper, const struct keeper_options *options,
		struct activation *activation);
void keeper_fini(struct keeper *keeper);

/* Waits for events, for at most @wait_ms (-1: forever), and acts on them and their consequences. */
void keeper_turn(struct keeper *keeper, int wait_ms);

/*
 * Serves until a signal tells it to stop, and returns the exit status. Takes over @settings and the
 * sockets in @activation. Every signal must be blocked and have its default disposition.
 */
int keeper_run(const struct keeper_options *options, struct settings *settings,
	       struct activation *activation);
