#pragma once

/* From the words of `listen` to addresses, and the search for two that are the same. */

struct build;

void build_endpoints(struct build *build);
