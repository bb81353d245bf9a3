#pragma once

/* The options of processes that start before their clients come. */

struct build;

/* Called after build_endpoints() and before build_program(), for every service with a program. */
void build_pool(struct build *build);
