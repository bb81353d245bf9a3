#pragma once

/* Builds the lists of clients of a service: only_from and no_access. */

struct build;

void build_lists(struct build *build);
