#pragma once

/*
 * Sessions with one short answer. They send it, and wait a moment for the client to close. All of
 * this is in the main thread.
 */

#include "base/list.h"
#include "net/timer.h"

struct session;

/* The sessions that wait for their client to close, the oldest first. Zeroed until then. */
struct lingering {
	struct list sessions;
	struct timer timer;
	struct timers *timers;
};

void lingering_init(struct lingering *lingering, struct timers *timers);

/* The sessions themselves are their owner's to end. */
void lingering_fini(struct lingering *lingering);

/* Takes the session out of the list that it is in. It may be over, and freed, when this returns. */
void lingering_answer(struct lingering *lingering, struct session *session);
