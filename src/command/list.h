#pragma once

/* superd --list: prints a table of the services of a configuration, enabled or not. */

struct settings;

/* The settings must have been loaded with the services listed. */
void list_print(const struct settings *settings);
