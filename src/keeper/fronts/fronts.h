#pragma once

/*
 * All fronts. At most one serves, and another may be starting. The others serve their last clients.
 * Messages to all of them go through this file, which gives each front the indices of its own
 * generation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct bound_listener;
struct channel_message;
struct front;
struct fronts;
struct generation;
struct poller;
struct reserve_fd;
struct service_record;
struct service_records;

/* Events of a front, for the owner of all fronts. */
struct fronts_events {
	/* As front_channel_events. */
	int (*on_message)(struct front *front, const struct channel_message *message, int fd);
	void (*on_short)(struct fronts *fronts, int error);

	/* The front was removed, and is freed afterwards. */
	void (*on_gone)(struct front *front);
};

struct fronts {
	struct poller *poller;
	struct reserve_fd *reserve;
	const struct service_records *records;
	const struct fronts_events *events;
	struct list list; /* newest last */
	/* The front that serves or is about to; NULL between a crash and the next front. */
	struct front *current;
	struct list unreported; /* records with children that ended in this turn of the loop */
	bool held;              /* no messages are read */
	bool paused;            /* the fronts were told to send no requests */
};

/* The caller keeps what it passes. */
void fronts_init(struct fronts *fronts, struct poller *poller, struct reserve_fd *reserve,
		 const struct service_records *records, const struct fronts_events *events);

/* Frees the fronts that are left. They get no message. */
void fronts_fini(struct fronts *fronts);

/*
 * Returns 0 with a front that has a channel, and the other end of the channel for the process that
 * the caller forks, or a negative errno. Then the caller calls fronts_add(), or front_free().
 */
int fronts_prepare(struct fronts *fronts, struct generation *generation, struct front **out,
		   int *out_theirs);

/* The process of @front runs. */
void fronts_add(struct fronts *fronts, struct front *front);

/* The front whose process @pid runs, or was reaped just now; or NULL. */
struct front *fronts_find(const struct fronts *fronts, pid_t pid);

/* The newest front that may send requests, or NULL. */
struct front *fronts_asking(const struct fronts *fronts);

/*
 * Called at the end of a turn: removes fronts that were reaped, after reading their last messages.
 * A process that they have left behind may have their end of the channel, and is not waited for.
 */
void fronts_forget_ended(struct fronts *fronts);

/*
 * A child of @record has ended. fronts_tell_ended() tells the fronts, once a turn of the loop, so
 * that under load one message stands for many children.
 */
void fronts_note_ended(struct fronts *fronts, struct service_record *record);
void fronts_tell_ended(struct fronts *fronts);

/* Tell the fronts that accept clients to send no requests for now, or to send them again. */
void fronts_pause(struct fronts *fronts);
void fronts_continue(struct fronts *fronts);

/* Sends the log file to all fronts, which cannot open it. Draining fronts write to it too. */
void fronts_lend_log(struct fronts *fronts);

/* Sends the sockets of @bound to the fronts that accept clients and do not have them yet. */
void fronts_lend_listener(struct fronts *fronts, const struct bound_listener *bound);

/* Reads no messages for now, or reads them again. */
void fronts_hold(struct fronts *fronts, bool held);

/* Reads the channels again, after a time in which no descriptor could be taken. */
void fronts_listen(struct fronts *fronts);

/* Call front_ping() for each front. Returns how many were asked. */
size_t fronts_ping(struct fronts *fronts);

/* Whether a front that was asked has not answered. */
bool fronts_await_answer(const struct fronts *fronts);

/* Kills the fronts that have not answered, and logs it. */
void fronts_end_silent(struct fronts *fronts);

/* Logs each front that drains, once an hour. */
void fronts_log_draining(struct fronts *fronts);

/* How many clients the fronts serve themselves. */
unsigned fronts_count_sessions(const struct fronts *fronts);

/* Call front_drain() or front_kill() for each front. */
void fronts_drain(struct fronts *fronts, uint32_t limit_ms);
void fronts_kill(struct fronts *fronts);

/* For a process that becomes a front: closes the descriptors of the others. */
void fronts_abandon(struct fronts *fronts);
