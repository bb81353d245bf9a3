#include "latency.h"

#include <stddef.h>

enum {
	N_COUNTS = LATENCY_POWERS * LATENCY_STEPS,
};

/* The bits of @ns below its highest LATENCY_STEP_BITS + 1 are dropped. */
static size_t slot_of(uint64_t ns)
{
	unsigned shift;
	size_t slot;

	if (ns < LATENCY_STEPS)
		return ns;

	shift = 63 - (unsigned)__builtin_clzll(ns) - LATENCY_STEP_BITS;
	slot = ((size_t)shift << LATENCY_STEP_BITS) + (ns >> shift);
	return slot < N_COUNTS ? slot : N_COUNTS - 1;
}

static uint64_t middle_of(size_t slot)
{
	size_t shift = slot >> LATENCY_STEP_BITS;
	uint64_t step = slot & (LATENCY_STEPS - 1);

	if (shift == 0)
		return step;

	shift--;
	return ((LATENCY_STEPS + step) << shift) + (1ull << shift) / 2;
}

void latency_add(struct latency *latency, uint64_t ns)
{
	latency->n++;
	latency->counts[slot_of(ns)]++;
}

uint64_t latency_quantile(const struct latency *latency, double share)
{
	double wanted = share * (double)latency->n;
	uint64_t seen = 0;

	if (latency->n == 0)
		return 0;

	for (size_t slot = 0; slot < N_COUNTS; slot++) {
		seen += latency->counts[slot];
		if (seen > 0 && (double)seen >= wanted)
			return middle_of(slot);
	}

	return middle_of(N_COUNTS - 1);
}
