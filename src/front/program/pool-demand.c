#include "front/program/pool-demand.h"

static void grow_pause(struct demand_state *state)
{
	state->pause_ms *= 2;
	if (state->pause_ms > DEMAND_PAUSE_MAX_MS)
		state->pause_ms = DEMAND_PAUSE_MAX_MS;
}

enum demand demand_look(struct demand_state *state, bool waiting, unsigned ready)
{
	bool second = state->noticed;

	state->noticed = false;
	if (!waiting) {
		if (second)
			grow_pause(state);
		return DEMAND_NONE;
	}
	if (second || ready == 0) {
		state->pause_ms = 0;
		return DEMAND_SHORT;
	}

	state->noticed = true;
	if (state->pause_ms < DEMAND_PAUSE_MIN_MS)
		state->pause_ms = DEMAND_PAUSE_MIN_MS;
	return DEMAND_LOOK;
}
