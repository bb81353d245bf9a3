#pragma once

/* What the keeper says over the channel, and what the front does about it. */

struct front;
struct watch;

/* For front->channel. */
void commands_on_ready(struct watch *watch);

/* Somebody has ended: if it was the last one that kept a draining front, the front is done. */
void commands_end_if_over(struct front *front);
