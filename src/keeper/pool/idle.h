#pragma once

/*
 * Decides from outside whether a process is idle.
 *
 * A process that waits for its next client uses no processor time, but neither does one whose
 * client is silent. So the number of its descriptors is compared with the fewest that any process
 * of the same program has had. Some programs open a file at their first client and keep it, so
 * after a long time without activity a process counts as idle however many descriptors it has.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
	int64_t cpu_ns;
	unsigned descriptors;
};

/* Zeroed: nothing is known yet. */
struct idle {
	struct usage last;
	int64_t since_ms;
};

/* Returns 0 or a negative errno. Descriptors that cannot be counted read as 0. */
int usage_of(pid_t pid, struct usage *out);

/* Notes the @usage of the process at @now_ms. */
void idle_note(struct idle *idle, const struct usage *usage, int64_t now_ms);

/* Whether the process is idle after @limit_ms. A process without a client has @baseline_fds. */
bool idle_is_enough(const struct idle *idle, unsigned baseline_fds, int64_t now_ms,
		    int64_t limit_ms);
