#include "front/program/pool-demand.h"

#define PAUSE_FIRST_MS 5
#define PAUSE_MAX_MS 100

enum demand demand_look(struct demand_state *state, bool waiting, unsigned ready)
{
	bool second = state->noticed;

	state->noticed = false;
	if (!waiting) {
		if (second)
			(void)backoff_next(&state->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);
		return DEMAND_NONE;
	}
	if (second || ready == 0) {
		backoff_reset(&state->pause);
		return DEMAND_SHORT;
	}

	state->noticed = true;
	if (state->pause.pause_ms == 0)
		(void)backoff_next(&state->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);
	return DEMAND_LOOK;
}
