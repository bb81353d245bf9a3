#pragma once

/* What a reload changes and keeps, for debugging. */

struct generation;

/* @next serves instead of @previous. Logs it for the services whose decisions are to be logged. */
void reload_log(const struct generation *previous, const struct generation *next);
