#pragma once

/* Processes that are started before their clients come: how many, for how long, and where. */

struct build;

/* After the endpoints and before the program. Does nothing where the dispatch starts none. */
void build_pool(struct build *build);
