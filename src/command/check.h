#pragma once

/* superd --check: prints how many services there are. The errors were logged by the load. */

struct settings;

void check_print(const char *path, const struct settings *settings);
