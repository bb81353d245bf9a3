#pragma once

/*
 * A pause between two attempts. The first pause is short, each further one is twice as long as the
 * one before, up to a longest one. A success resets the pause.
 *
 * Zeroed, a backoff has made no pause yet. The bounds are constants of the caller, which sets the
 * timer as well.
 */

#include <stdint.h>

struct backoff {
	int64_t pause_ms; /* the last pause; 0: none since the start or the last reset */
};

/* Returns the next pause in milliseconds, and keeps it in @pause_ms. */
static inline int64_t backoff_next(struct backoff *backoff, int64_t first_ms, int64_t max_ms)
{
	int64_t pause_ms = backoff->pause_ms;

	if (pause_ms == 0)
		pause_ms = first_ms;
	else
		pause_ms = pause_ms <= max_ms / 2 ? 2 * pause_ms : max_ms;

	backoff->pause_ms = pause_ms < max_ms ? pause_ms : max_ms;
	return backoff->pause_ms;
}

/* The next pause is the first one again. */
static inline void backoff_reset(struct backoff *backoff)
{
	backoff->pause_ms = 0;
}
