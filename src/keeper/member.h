#pragma once

/* Members: the children of a crew, one by one, from their start to their end. */

#include <stdbool.h>

#include "base/list.h"
#include "keeper/idleness.h"
#include "net/timer.h"

struct child;
struct crew;

enum member_state {
	MEMBER_STARTING, /* has not said yet that it is ready */
	MEMBER_READY,
	MEMBER_ENDING, /* was sent TERM */
};

struct member {
	struct list link; /* in crew->members */
	struct crew *crew;
	struct child *child;
	enum member_state state;
	bool fresh;     /* counts in crew->n_fresh */
	bool late;      /* ended because it was not ready in time */
	bool leaving;   /* the front was told to give it no more clients */
	bool was_ready; /* the fronts know it */
	unsigned place; /* in crew->table */
	int fd;         /* the front's end of its socket, or -1 */
	struct timer limit;
	struct idleness idleness;
};

/*
 * Starts one more. Returns 1, 0 when the program cannot be started at all, which is logged
 * and counts as a quick death, or a negative errno when the machine is short of something.
 */
int member_start(struct crew *crew);

/* Made before its program runs, so that none can run unknown. May return NULL. */
struct member *member_new(struct crew *crew, struct child *child);

/* Its program runs, and the child table has it: from here on it is one of the crew. */
void member_enlist(struct member *member);

/* It takes clients now. */
void member_ready(struct member *member);

/* Sends TERM, once. */
void member_end(struct member *member);

/* Closes our end of its socket: the last end to be closed tells it to finish. */
void member_hang_up(struct member *member);

/* It was reaped. Frees it. */
void member_ended(struct member *member, int status, int64_t lived_us);

/* Of a child that was never told to anybody, or whose keeper ends. May be NULL. */
void member_free(struct member *member);
