#pragma once

/*
 * What a front is born with. It is a fork of the keeper, so all of this is simply
 * in its memory; nothing is sent. The front reads it and frees none of it.
 */

#include <stdbool.h>
#include <stddef.h>

struct board_slot;
struct listener;
struct settings;
struct tally;

struct birth {
	const struct settings *settings;
	struct listener *const *listeners; /* by endpoint number; some without a socket yet */
	const unsigned *children;          /* by service: how many of its programs run now */
	const unsigned *slots;             /* by service: its place on the board */
	const int *stderr_pipes;           /* by service: read end of its programs' stderr, or -1 */
	struct board_slot *board;
	struct tally *tally; /* this front's own */
	struct tally *const *elders;
	size_t n_elders;
	int channel;
	bool hold; /* born while processes are short: as after CHANNEL_HOLD */
};

/* Runs the front in the forked process and returns its exit status. */
typedef int front_main_fn(const struct birth *birth);
