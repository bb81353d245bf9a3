#pragma once

/*
 * The board: anonymous shared memory that survives fronts.
 *
 * A slot per service name holds statistics that only grow. A tally per front holds
 * how many sessions of each slot that front serves now: a front writes its own
 * tally and reads those of the fronts before it, which may still be draining.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_SERVICES 32768

struct service_stats {
	_Atomic uint64_t accepted;
	_Atomic uint64_t refused;
	_Atomic uint64_t failed;
	_Atomic uint64_t ended;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint64_t datagrams;
	_Atomic uint64_t dropped;     /* datagrams that got no answer */
	_Atomic uint64_t queue_drops; /* datagrams that the kernel dropped, its queue was full */
	_Atomic uint64_t queue_drops_logged;
};

/*
 * The kernel counts the drops of each socket from its start on. Here is how many of them are
 * counted on the board already, by the number that the keeper has for the socket: so no
 * front counts again what another one has, whichever of them reads first.
 */
#define STATS_SOCKETS (1u << 20)

struct drop_counts {
	_Atomic uint32_t counted[STATS_SOCKETS];
};

struct session_counts {
	_Atomic uint32_t sessions[STATS_SERVICES];
};

/* Pages are taken only when touched. Return NULL when memory is short. */
struct service_stats *stats_new(void);
void stats_free(struct service_stats *stats);
struct drop_counts *drop_counts_new(void);
void drop_counts_free(struct drop_counts *drop_counts);
struct session_counts *session_counts_new(void);
void session_counts_free(struct session_counts *session_counts);

/* NULL for a number that is too high: its drops are not counted. */
static inline _Atomic uint32_t *drop_counts_of(struct drop_counts *drop_counts, int fd)
{
	return fd >= 0 && (unsigned)fd < STATS_SOCKETS ? &drop_counts->counted[fd] : NULL;
}
