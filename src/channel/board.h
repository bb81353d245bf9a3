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

#define BOARD_SLOTS 32768

struct board_slot {
	_Atomic uint64_t accepted;
	_Atomic uint64_t refused;
	_Atomic uint64_t failed;
	_Atomic uint64_t ended;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint64_t datagrams;
	_Atomic uint64_t dropped; /* datagrams that got no answer */
	_Atomic uint64_t overrun; /* datagrams that the kernel dropped, its queue was full */
	_Atomic uint64_t overrun_said;
};

/*
 * The kernel counts the drops of each socket from its birth on. Here is how many of them are
 * counted on the board already, by the number that the keeper has for the socket: so no
 * front counts again what another one has, whichever of them reads first.
 */
#define BOARD_SOCKETS (1u << 20)

struct drops {
	_Atomic uint32_t counted[BOARD_SOCKETS];
};

struct tally {
	_Atomic uint32_t sessions[BOARD_SLOTS];
};

/* Pages are taken only when touched. Return NULL when memory is short. */
struct board_slot *board_new(void);
void board_free(struct board_slot *board);
struct drops *drops_new(void);
void drops_free(struct drops *drops);
struct tally *tally_new(void);
void tally_free(struct tally *tally);

/* NULL for a number that is too high: its drops are not counted. */
static inline _Atomic uint32_t *drops_of(struct drops *drops, int fd)
{
	return fd >= 0 && (unsigned)fd < BOARD_SOCKETS ? &drops->counted[fd] : NULL;
}
