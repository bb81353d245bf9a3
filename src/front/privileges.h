#pragma once

struct front_settings;

/*
 * Becomes the front's user, without capabilities or supplementary groups, and with no way to gain
 * any. Returns 0 only when the kernel confirms all of that. Logs a failure.
 */
int privileges_drop(const struct front_settings *settings);
