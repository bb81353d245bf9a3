#include "keeper/pool/respawn.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

bool respawn_pause(struct respawn *respawn, int64_t now_ms)
{
	int64_t pause_ms = PAUSE_FIRST_MS;

	if (now_ms < respawn->until_ms)
		return false;
	/* The processes that started after the last pause have lived long enough. */
	if (now_ms - respawn->until_ms >= RESPAWN_RESET_MS)
		respawn->failures = 0;

	respawn->failures++;
	for (unsigned i = 1; i < respawn->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	respawn->until_ms = now_ms + pause_ms;
	return true;
}

void respawn_reset(struct respawn *respawn)
{
	respawn->failures = 0;
}

int64_t respawn_wait_ms(const struct respawn *respawn, int64_t now_ms)
{
	return respawn->until_ms > now_ms ? respawn->until_ms - now_ms : 0;
}
