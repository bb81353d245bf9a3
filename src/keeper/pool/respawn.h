#pragma once

/*
 * How soon a program that ends at once is started again: after 1, 2, 4 ... 60 seconds.
 * Pure: the time is told, and nothing is set.
 */

#include <stdbool.h>
#include <stdint.h>

/* Ended sooner, a process has not served. */
#define RESPAWN_QUICK_MS 1000

/* The pauses begin anew once a process lived so long. */
#define RESPAWN_RESET_MS 10000

/* Zeroed, nothing has ended. */
struct respawn {
	unsigned failures; /* in a row */
	int64_t until_ms;  /* the end of the last pause */
};

/* A failure. Returns whether it begins a pause: one more during a pause does not. */
bool respawn_pause(struct respawn *respawn, int64_t now_ms);

/* One has ended that lived long. */
void respawn_reset(struct respawn *respawn);

/* What is left of the pause, or 0. */
int64_t respawn_wait_ms(const struct respawn *respawn, int64_t now_ms);
