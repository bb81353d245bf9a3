#include "keeper/restarts.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

bool restarts_pause(struct restarts *restarts, int64_t now_ms)
{
	int64_t pause_ms = PAUSE_FIRST_MS;

	if (now_ms < restarts->until_ms)
		return false;
	/* What was started after the last pause did live. */
	if (now_ms - restarts->until_ms >= RESTARTS_CALM_MS)
		restarts->deaths = 0;

	restarts->deaths++;
	for (unsigned i = 1; i < restarts->deaths && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	restarts->until_ms = now_ms + pause_ms;
	return true;
}

void restarts_calm(struct restarts *restarts)
{
	restarts->deaths = 0;
}

int64_t restarts_wait_ms(const struct restarts *restarts, int64_t now_ms)
{
	return restarts->until_ms > now_ms ? restarts->until_ms - now_ms : 0;
}
