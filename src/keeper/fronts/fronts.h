#pragma once

/*
 * All fronts: at most one serves, another may be about to; the others finish the sessions that they
 * had. What all of them are told goes from here, to each in the numbers of its own generation.
 */

#include <stdbool.h>
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

/* What happens to a front, told to whoever has them. */
struct fronts_events {
	/* As front_channel_events. */
	int (*on_message)(struct front *front, const struct channel_message *message, int fd);
	void (*on_lost)(struct front *front, const struct channel_message *message);
	void (*on_short)(struct fronts *fronts, int error);

	/* It is none of them any more, and freed afterwards. */
	void (*on_gone)(struct front *front);
};

struct fronts {
	struct poller *poller;
	struct reserve_fd *reserve;
	const struct service_records *records;
	const struct fronts_events *events;
	struct list list; /* newest last */
	/* The one that serves, or is about to; NULL between a crash and the next. */
	struct front *current;
	struct list unreported; /* records with children that ended in this turn of the loop */
	bool paused;            /* they were told to send no requests */
};

/* What is given stays the caller's. */
void fronts_init(struct fronts *fronts, struct poller *poller, struct reserve_fd *reserve,
		 const struct service_records *records, const struct fronts_events *events);

/* Frees those that are left, which are not told. */
void fronts_fini(struct fronts *fronts);

/*
 * Returns 0 with a front that has a channel, and with the other end of that, for the process that
 * the caller forks; or a negative errno. front_free() is how to give up; else fronts_add() follows.
 */
int fronts_prepare(struct fronts *fronts, struct generation *generation, struct front **out,
		   int *out_theirs);

/* Its process runs. */
void fronts_add(struct fronts *fronts, struct front *front);

/* The front of process @pid, or NULL. */
struct front *fronts_find(const struct fronts *fronts, pid_t pid);

/* The newest one that may ask for programs, or NULL. */
struct front *fronts_asking(const struct fronts *fronts);

/* Forgets those that were reaped and have nothing more to say: for the end of a turn of the loop.
 */
void fronts_forget_ended(struct fronts *fronts);

/*
 * A child of @record is no more. The fronts are told once a turn of the loop, by
 * fronts_tell_ended(): under load one message stands for many children.
 */
void fronts_note_ended(struct fronts *fronts, struct service_record *record);
void fronts_tell_ended(struct fronts *fronts);

/* Tells those that accept to send no requests for now, or to send them again. */
void fronts_pause(struct fronts *fronts);
void fronts_continue(struct fronts *fronts);

/* A front cannot open the log file itself. One that drains has lines to say as well. */
void fronts_lend_log(struct fronts *fronts);

/* Those that accept may have the sockets of @bound, which was bound after they were started. */
void fronts_lend_listener(struct fronts *fronts, const struct bound_listener *bound);

/* Reads the channels again, after a time in which no descriptor could be taken. */
void fronts_listen(struct fronts *fronts);

/* Each as front_drain() and front_kill(). */
void fronts_drain(struct fronts *fronts, uint32_t limit_ms);
void fronts_kill(struct fronts *fronts);

/* In a process that will be a front itself: closes what is of the others. */
void fronts_abandon(struct fronts *fronts);
