#pragma once

/*
 * How soon a program that ends at once is started again: after 1, 2, 4 ... 60 seconds. The pauses
 * of a program that ran for a moment begin with 100 ms, as a client may have made it end. Pure: it
 * gets the time and sets no timer.
 */

#include <stdint.h>

#include "base/backoff.h"

/* A process that ends sooner has failed. */
#define RESPAWN_QUICK_MS 1000

/* A process that ends even sooner cannot have served a client. */
#define RESPAWN_MOMENT_MS 100

/* After a process has lived this long, the next pause is the first one again. */
#define RESPAWN_RESET_MS 10000

/* Zeroed: no failure yet. */
struct respawn {
	unsigned failures; /* in a row */
	struct backoff pause;
	int64_t until_ms; /* the end of the last pause */
};

/*
 * Notes the failure of a process that has lived for @lived_ms; 0 if it was never ready. Returns the
 * pause that it begins, or 0 if it falls into a pause.
 */
int64_t respawn_pause(struct respawn *respawn, int64_t now_ms, int64_t lived_ms);

/* A process has ended that had lived long enough. */
void respawn_reset(struct respawn *respawn);
