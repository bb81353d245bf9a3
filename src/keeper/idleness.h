#pragma once

/*
 * Tells from outside whether a process does anything: it used no processor time, and it
 * holds no more descriptors than at its best moment. A process that only waits for a
 * silent client would else look as if it had none.
 */

#include <stdint.h>
#include <sys/types.h>

struct usage {
	int64_t cpu_ns;
	unsigned descriptors;
};

/* Zeroed, it was never looked at. */
struct idleness {
	struct usage last;
	unsigned least; /* descriptors that it was ever seen with */
	int64_t since_ms;
};

/* Returns 0 or a negative errno. What cannot be counted reads as 0. */
int usage_of(pid_t pid, struct usage *out);

/* Takes note of a look at @now_ms, and returns for how long it has been idle. */
int64_t idleness_look(struct idleness *idleness, const struct usage *usage, int64_t now_ms);
