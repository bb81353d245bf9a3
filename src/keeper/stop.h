#pragma once

/* How superd stops: sessions have the grace time, and programs finish their clients. */

#include <stdbool.h>

struct keeper;

/* @why is for the log. The second call ends all sessions at once. */
void stop_begin(struct keeper *keeper, const char *why);

/* Whether superd stops and nothing is left to wait for. */
bool stop_is_over(const struct keeper *keeper);
