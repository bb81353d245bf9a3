#pragma once

/*
 * One front as the keeper sees it: a process that it forks, talks to and reaps. It faces the
 * network and may have been taken over: what it says is checked, what it does not read is
 * bounded, and one that says what no front says is ended.
 *
 * Its state is written here alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "keeper/fronts/channel.h"

struct fronts;
struct generation;
struct pool_handle;
struct session_counts;

struct front {
	struct list link; /* in fronts->list */
	struct fronts *fronts;
	pid_t pid; /* 0: not forked yet */
	struct front_channel channel;
	enum front_state state;
	struct generation *generation; /* NULL once another one has taken over */
	struct pool_handle *
		*pools; /* by service, for what it still says of them once that is NULL */
	size_t n_pools;
	struct session_counts *session_counts;
	int64_t started_ms;
	bool ended; /* the process was reaped; its last requests may still wait */
	int ended_status;
	bool ping_pending; /* it has not answered the last CHANNEL_PING */
};

/* Returns a front of @fronts without a process or a channel, or NULL. */
struct front *front_new(struct fronts *fronts, struct generation *generation);
void front_free(struct front *front);

/* Closes the channel. */
void front_hang_up(struct front *front);

/* What it was told, and what it has answered. Each does nothing where that makes no sense. */
void front_serves(struct front *front); /* it says so */
void front_halt(struct front *front);
void front_halted(struct front *front); /* it says so */
void front_resume(struct front *front);

/* Orders it to finish: within @limit_ms, or in its own time (0). A halted one has a successor. */
void front_drain(struct front *front, uint32_t limit_ms);

/* Asks whether it is alive, which front_alive() is to say before the next time. */
void front_ping(struct front *front);
void front_alive(struct front *front);

/* Lets go of its generation: another one has taken over, and it may ask for nothing more. */
void front_retire(struct front *front);

/* Its process ended with @status. Its last requests are still served before it is forgotten. */
void front_reaped(struct front *front, int status);

/* Ends it at once, if it runs. */
void front_kill(struct front *front);

/* Whether it must know how many children there are: it accepts now or may again. */
bool front_counts(const struct front *front);

/* Whether it may still ask for programs, by what it was told and has answered. */
bool front_asks(const struct front *front);

/* Whether it was reaped, and nothing that it said is left to be read. */
bool front_is_over(const struct front *front);

/* Sends now or when there is room. Takes over @fd. */
void front_send(struct front *front, const struct channel_message *message, int fd);
void front_order(struct front *front, enum channel_type type);

/* As front_send(), with a descriptor that stays the caller's. */
void front_lend(struct front *front, const struct channel_message *message, int fd);

/* The log file, if there is one, and all sockets of @endpoint. */
void front_lend_log(struct front *front);
void front_lend_sockets(struct front *front, uint32_t endpoint);
