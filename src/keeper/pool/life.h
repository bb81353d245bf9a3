#pragma once

/*
 * What the life of a process of a pool says about its program. Pure.
 *
 * A program that ends at once is not to be started again and again. But a process may also end
 * soon because of its client, as when the client resets its connection and the program is killed
 * by SIGPIPE. The other clients must not wait for that.
 */

#include <stdint.h>

struct pass_table;
struct process;

enum life {
	LIFE_FAILED,    /* it never came up */
	LIFE_MOMENTARY, /* it ended at once, and it is not known whether it came up */
	LIFE_SHORT,     /* it came up, and ended soon */
	LIFE_FULL,
};

/* @status is that of wait(2). @table is that of a pool of `pass`, or NULL. */
enum life life_of(const struct process *process, struct pass_table *table, int status,
		  int64_t lived_us);
