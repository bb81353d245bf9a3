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
};

struct tally {
	_Atomic uint32_t sessions[BOARD_SLOTS];
};

/* Pages are taken only when touched. Return NULL when memory is short. */
struct board_slot *board_new(void);
void board_free(struct board_slot *board);
struct tally *tally_new(void);
void tally_free(struct tally *tally);
