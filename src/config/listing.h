#pragma once

/* Lists a service as it is written, enabled or not, for superd --list. */

struct draft;
struct settings;

/* Adds the service to the listing of the settings. Returns 0 or -ENOMEM. */
int listing_add(struct settings *settings, const struct draft *draft);
