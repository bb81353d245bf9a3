#pragma once

/* How superd stops: sessions have the grace time, and programs finish their clients. */

#include <stdbool.h>

struct keeper;

/*
 * Signal @number asks for it. The second call has the fronts end their sessions at once, and kills
 * those that do not; the third one kills them.
 */
void stop_begin(struct keeper *keeper, int number);

/* Whether superd stops and nothing is left to wait for. */
bool stop_is_over(const struct keeper *keeper);
