#pragma once

struct front_settings;

/*
 * Becomes the front's user for good: no capabilities, no supplementary groups, no way to
 * gain any. Returns 0 only when the kernel confirms it; logs what failed otherwise.
 */
int privileges_drop(const struct front_settings *settings);
