#pragma once

/* The names of services, each of which may be given once. */

#include "config/mistakes.h"

struct titles;

int titles_new(struct titles **out);
void titles_free(struct titles *titles);

/* Returns 0; -EEXIST and where it stands in @out_first; or -ENOMEM. Keeps a copy of @name. */
int titles_add(struct titles *titles, const char *name, struct place at, struct place *out_first);
