#pragma once

/* Who a program is, what it is, where it starts and what it finds in its environment. */

struct build;

/* After build_pool(), which may choose where its standard error goes. */
void build_program(struct build *build);
