#pragma once

/* How superd stops: sessions have a time of grace, programs finish their clients. */

#include <stdbool.h>

struct keeper;

/* @why is for the log. The second time nothing is waited for. */
void stop_begin(struct keeper *keeper, const char *why);

/* Whether it stops, and nothing is left to wait for. */
bool stop_is_over(const struct keeper *keeper);
