#pragma once

/* The program of a service: its processes, user, arguments, directories and environment. */

struct build;

/* Called after build_endpoints(). */
void build_program(struct build *build);
