#pragma once

/* The program of a service: its user, arguments, directories and environment. */

struct build;

/* Called after build_pool(), which may choose where standard error goes. */
void build_program(struct build *build);
