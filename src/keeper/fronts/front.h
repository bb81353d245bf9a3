#pragma once

/*
 * Fronts as the keeper sees them: processes that it forks, talks to and reaps. At
 * most one serves; the others finish the sessions they had.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "channel/channel.h"
#include "net/poller.h"

struct pool;
struct generation;
struct keeper;
struct session_counts;

struct front {
	struct keeper *keeper;
	struct list link;
	pid_t pid;
	int channel;
	struct watch watch;
	enum front_state state;
	struct generation *generation; /* NULL once another one has taken over */
	struct pool **pools; /* by service, for what it still says of them once that is NULL */
	size_t n_pools;
	struct session_counts *session_counts;
	struct list outgoing; /* messages that its channel had no room for */
	size_t n_outgoing;
	bool deaf; /* it did not read them, was ended, and is told nothing more */
	int64_t started_ms;
	bool ended;  /* the process was reaped; its last requests may still wait */
	bool silent; /* nothing more will come from its channel */
	int ended_status;
	bool ping_pending; /* it has not answered the last CHANNEL_PING */
};

/* front-start.c */

/* Forks. The new front is the last of keeper->fronts. Returns 0 or a negative errno, not logged. */
int front_start(struct keeper *keeper, struct generation *generation, struct front **out);

/* front-process.c */

/* Also of one that was not forked. */
void front_free(struct front *front);

/* Orders the front to finish: within @limit_ms, or in its own time (0). A halted one has a
 * successor. */
void front_drain(struct front *front, uint32_t limit_ms);

/* Lets go of its generation: another one has taken over, and it may ask for nothing more. */
void front_retire(struct front *front);

/* Whether the front must know how many children there are: it accepts now or may again. */
bool front_counts(const struct front *front);

struct front *fronts_find(struct keeper *keeper, pid_t pid);

/* The process was reaped. Its last requests are still served before it is forgotten. */
void front_reaped(struct front *front, int status);

/* Forgets and frees the front, if it was reaped and its channel has ended. */
void front_forget_if_over(struct front *front);

/* For a process that will be a front itself: closes everything of this one. */
void front_abandon(struct front *front);
