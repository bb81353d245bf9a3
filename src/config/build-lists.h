#pragma once

/* Builds what says who may come, and when: only_from, no_access and access_times. */

struct build;

void build_lists(struct build *build);
