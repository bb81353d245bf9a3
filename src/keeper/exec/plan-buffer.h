#pragma once

/* Where the program of a service is completed for one start. */

#include <stddef.h>

#include "keeper/exec/spawn.h"

struct plan_buffer {
	struct spawn_plan plan;
	char *text; /* arguments and environment: pointers, then what they point to */
	size_t size;
};
