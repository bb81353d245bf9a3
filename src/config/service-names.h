#pragma once

/* The names of services. Each may be given once. */

#include "config/errors.h"

struct service_name;

/* Zeroed, it is empty. */
struct service_names {
	struct service_name *list;
};

void service_names_fini(struct service_names *names);

/* Returns 0, -EEXIST with the first location in @out_first, or -ENOMEM. Keeps a copy of @name. */
int service_names_add(struct service_names *names, const char *name, struct location at,
		      struct location *out_first);
