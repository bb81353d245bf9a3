#pragma once

/* The messages of the keeper, and what the front does about them. */

struct uplink_events;

/* For the uplink of a struct front. */
extern const struct uplink_events commands_uplink;
