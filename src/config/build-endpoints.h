#pragma once

/* Makes endpoints from the values of `listen`, and finds two that conflict. */

struct build;

void build_endpoints(struct build *build);
