#pragma once

/*
 * Statistics in anonymous shared memory, which survive fronts.
 *
 * Each service name has statistics that only grow. Each front has session counts: how many sessions
 * of each service it serves now. A front writes its own counts, and reads those of older fronts,
 * which may still be draining.
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
	_Atomic uint64_t queue_drops; /* datagrams that the kernel has dropped: a queue was full */
	_Atomic uint64_t queue_drops_logged;
};

/*
 * The kernel counts the drops of each socket since it was made. This is how many of them are in the
 * statistics already, by the descriptor of the socket in the keeper. So no front counts drops again
 * that another front has counted.
 */
#define STATS_SOCKETS (1u << 20)

struct drop_counts {
	_Atomic uint32_t counted[STATS_SOCKETS];
};

struct session_counts {
	_Atomic uint32_t sessions[STATS_SERVICES];
};

/* The memory is taken only as it is used. Return NULL when memory is short. */
struct service_stats *stats_new(void);
void stats_free(struct service_stats *stats);
struct drop_counts *drop_counts_new(void);
void drop_counts_free(struct drop_counts *drop_counts);
struct session_counts *session_counts_new(void);
void session_counts_free(struct session_counts *session_counts);

/* Returns NULL if the number is too high. Drops of such a socket are not counted. */
static inline _Atomic uint32_t *drop_counts_of(struct drop_counts *drop_counts, int fd)
{
	return fd >= 0 && (unsigned)fd < STATS_SOCKETS ? &drop_counts->counted[fd] : NULL;
}
