#pragma once

/* The named sets of a configuration: the sections `set`, which may name each other. */

#include <stddef.h>

#include "config/draft.h"

struct build_context;
struct client_set;
struct named_set;
struct set_builder;

/* Zeroed, there are none. */
struct named_sets {
	struct named_set *table;
	size_t n_bytes; /* of the files that were read */
};

void named_sets_fini(struct named_sets *sets);

/* Returns 0, -EEXIST with the place of the earlier one in @out_earlier, or -ENOMEM. */
int named_sets_add(struct named_sets *sets, const char *name, const struct set_draft *draft,
		   struct location *out_earlier);

/*
 * Builds all sets, which the settings own. Adds errors about what is wrong in them. Call it after
 * all sections `set` were read, and before a list names one.
 */
void named_sets_build(struct named_sets *sets, struct build_context *context);

/* Returns the set, which is used from now on, or NULL after an error at @at about @subject. */
const struct client_set *named_sets_use(struct named_sets *sets, struct build_context *context,
					const char *name, const char *subject, struct location at);

/* Warns of sets that nothing uses. */
void named_sets_check(const struct named_sets *sets, struct errors *errors);
