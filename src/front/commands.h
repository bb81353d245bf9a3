#pragma once

/* What the keeper says over the channel, and what the front does about it. */

struct uplink_events;

/* For the uplink of a struct front. */
extern const struct uplink_events commands_uplink;
