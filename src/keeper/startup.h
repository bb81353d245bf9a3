#pragma once

/* The start of a front: what it inherits, and what it must not have. */

struct front;
struct generation;
struct keeper;

/*
 * Forks a front for @generation, which becomes the newest of keeper->fronts. Returns 0 or a
 * negative errno, which is not logged.
 */
int front_start(struct keeper *keeper, struct generation *generation, struct front **out);
