#pragma once

/*
 * What a new process does before it executes its program. Until then it runs in the memory of the
 * keeper, which does not wait for it. So it makes raw system calls only, and writes to nothing but
 * this struct and the text of its plan. After a failed step the program is not run.
 */

#include <stdatomic.h>
#include <sys/types.h>

#include "keeper/exec/spawn.h"

struct launch_child {
	const struct spawn_plan *plan;
	struct spawn_descriptors descriptors;
	pid_t keeper; /* if the plan has a signal for its end */

	/* Written by the child: the step that it is in, and an errno once that has failed. */
	_Atomic enum spawn_step step;
	atomic_int error;
};

/* For clone(2), with a struct launch_child. Returns the exit status of a program not run. */
int launch_child(void *argument);
