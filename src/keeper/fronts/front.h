#pragma once

/*
 * One front, as the keeper sees it: a process that it forks, exchanges messages with, and reaps. A
 * front faces the network and may have been taken over. So its messages are checked, the messages
 * that it does not read are limited, and a front that sends a forbidden message is ended.
 *
 * Only this file writes the state of a front.
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
	struct generation *generation; /* NULL when another front has taken over */
	struct pool_handle **pools;    /* by service, for messages after @generation is NULL */
	size_t n_pools;
	struct session_counts *session_counts;
	int64_t started_ms;
	int64_t drains_ms;  /* since when it drains */
	int64_t hours_said; /* how long it drains, as the log has it */
	bool ended; /* the process was reaped; its last requests may still be in the channel */
	int ended_status;
	bool ping_pending; /* it has not answered the last CHANNEL_PING */
};

/* Returns a front of @fronts without a process or a channel, or NULL. */
struct front *front_new(struct fronts *fronts, struct generation *generation);
void front_free(struct front *front);

/* Closes the channel. */
void front_hang_up(struct front *front);

/* Orders to the front, and its answers. Each does nothing in a state in which it makes no sense. */
void front_serves(struct front *front); /* its READY */
void front_halt(struct front *front);
void front_halted(struct front *front); /* its HALTED */
void front_resume(struct front *front);

/* Orders it to finish, within @limit_ms unless that is 0. A halted front has a successor. */
void front_drain(struct front *front, uint32_t limit_ms);

/* Sends PING, if the front serves or drains. front_alive() must follow before the next call. */
void front_ping(struct front *front);
void front_alive(struct front *front);

/* Another front has taken over. Releases the generation, so it may send no more requests. */
void front_retire(struct front *front);

/* Its process has ended with @status. Its last requests are still served. */
void front_reaped(struct front *front, int status);

/*
 * Kills the process, if it runs. All signals to fronts go through here: after the process was
 * reaped, another process may have its number.
 */
void front_kill(struct front *front);

/* Whether it counts children, because it accepts clients or may do so again. */
bool front_counts(const struct front *front);

/* Whether it may send requests. */
bool front_asks(const struct front *front);

/* Whether it was reaped, and its channel was read to the end. */
bool front_is_over(const struct front *front);

/* Sends now or when there is room. Takes over @fd. */
void front_send(struct front *front, const struct channel_message *message, int fd);
void front_order(struct front *front, enum channel_type type);

/* As front_send(), but the caller keeps the descriptor. */
void front_lend(struct front *front, const struct channel_message *message, int fd);

/* The log file, if there is one, and all sockets of @endpoint. */
void front_lend_log(struct front *front);
void front_lend_sockets(struct front *front, uint32_t endpoint);
