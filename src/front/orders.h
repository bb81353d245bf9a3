#pragma once

/* What the keeper says over the channel, and what the front does about it. */

#include <stdint.h>

struct front;
struct watch;

/* For front->channel. */
void orders_on_ready(struct watch *watch);

/*
 * Closes the listeners and gives the sessions @grace_ms (0: no limit) to end. The front is
 * done when none are left.
 */
void orders_drain(struct front *front, int64_t grace_ms);

/* Somebody has ended: if it was the last one that kept a draining front, the front is done. */
void orders_end_if_over(struct front *front);
