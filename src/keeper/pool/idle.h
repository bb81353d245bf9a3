#pragma once

/*
 * Tells from outside whether a process does anything. It uses no processor time while it
 * waits for its next client, but neither does it while its client says nothing: so what
 * it holds is compared with the fewest that any process of the same program was seen to
 * hold. Some open a file for good at their first client: what has been still for long
 * enough counts as idle whatever it holds.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
	int64_t cpu_ns;
	unsigned descriptors;
};

/* Zeroed, nothing is known of it. */
struct idle {
	struct usage last;
	int64_t since_ms;
};

/* Returns 0 or a negative errno. Descriptors that cannot be counted read as 0. */
int usage_of(pid_t pid, struct usage *out);

/* Takes note of what it used and held at @now_ms. */
void idle_note(struct idle *idle, const struct usage *usage, int64_t now_ms);

/* Whether it is idle after @limit_ms; @baseline_fds are those of one without a client. */
bool idle_is_enough(const struct idle *idle, unsigned baseline_fds, int64_t now_ms,
		    int64_t limit_ms);
