#pragma once

/* Where the log of all processes goes: chosen and opened by the keeper, which alone may. */

#include <stdbool.h>

struct fronts;
struct settings;

/* Switches to the log of @settings, in every front too. Logs its failure. */
int log_target_open(const struct settings *settings, bool foreground, struct fronts *fronts);

/* The same, if it is a file: somebody has moved that away, maybe. */
void log_target_reopen(const struct settings *settings, bool foreground, struct fronts *fronts);
