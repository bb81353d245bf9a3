#pragma once

/*
 * A histogram of durations: fixed memory, whatever the number of samples.
 *
 * Every power of two is cut into 32 steps, so a quantile is right to 3 %.
 */

#include <stdint.h>

enum {
	LATENCY_STEP_BITS = 5,
	LATENCY_STEPS = 1 << LATENCY_STEP_BITS,
	LATENCY_POWERS = 40,
};

struct latency {
	uint64_t n;
	uint64_t counts[LATENCY_POWERS * LATENCY_STEPS];
};

void latency_add(struct latency *latency, uint64_t ns);

/* Returns the duration that @share (0 to 1) of the samples do not exceed, 0 without samples. */
uint64_t latency_quantile(const struct latency *latency, double share);
