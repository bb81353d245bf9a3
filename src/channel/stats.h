#pragma once

/*
 * Statistics in anonymous shared memory, which survive fronts.
 *
 * Each service name has statistics that only grow, and the bucket of its rate. Each front has
 * session counts: how many sessions of each service it serves now. A front writes its own counts,
 * and reads those of older fronts, which may still be draining.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/token-bucket.h"
#include "channel/refusal.h"
#include "config/settings.h"

/* A reload makes room for new services while the old ones are still there. */
#define STATS_SERVICES (2 * SERVICES_MAX)

struct service_stats {
	_Atomic uint64_t accepted;
	_Atomic uint64_t refused[REFUSAL_COUNT]; /* by reason; the first is not used */
	_Atomic uint64_t failed;
	_Atomic uint64_t ended;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint64_t datagrams;
	_Atomic uint64_t dropped;     /* datagrams that got no answer */
	_Atomic uint64_t queue_drops; /* datagrams that the kernel has dropped: a queue was full */
	token_bucket cps;             /* of a front for the next one */
};

struct session_counts {
	_Atomic uint32_t sessions[STATS_SERVICES];
};

/* The memory is taken only as it is used. Return NULL when memory is short. */
struct service_stats *stats_new(void);
void stats_free(struct service_stats *stats);

/* For all reasons. */
uint64_t stats_refused(const struct service_stats *stats);

struct session_counts *session_counts_new(void);
void session_counts_free(struct session_counts *session_counts);
