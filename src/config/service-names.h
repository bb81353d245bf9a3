#pragma once

/*
 * The names of all services of a configuration. A service that is enabled owns its name. A section
 * with `enabled = no` owns nothing: any number of them may have the same name, and `enable` turns
 * them on by it.
 */

#include <stdbool.h>

#include "config/errors.h"

struct service_name;

/* Zeroed, it is empty. */
struct service_names {
	struct service_name *table;
};

void service_names_fini(struct service_names *names);

/* Remembers that the option `enable` at @at has the name. Returns 0 or -ENOMEM. */
int service_names_enable(struct service_names *names, const char *text, struct location at);
bool service_names_is_enabled(const struct service_names *names, const char *text);

/* A section with `enabled = no` has the name. Returns 0 or -ENOMEM. */
int service_names_mention(struct service_names *names, const char *text);

/* Returns 0, -EEXIST with the place of the earlier definition in @out_earlier, or -ENOMEM. */
int service_names_define(struct service_names *names, const char *text, struct location at,
			 struct location *out_earlier);

/* Adds an error for each name of `enable` that no section has. Call it after all sections. */
void service_names_check(const struct service_names *names, struct errors *errors);
