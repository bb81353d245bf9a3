#include "keeper/pool/respawn.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_FIRST_SHORT_MS 100
#define PAUSE_MAX_MS 60000

int64_t respawn_pause(struct respawn *respawn, int64_t now_ms, int64_t lived_ms)
{
	int64_t first_ms = lived_ms > RESPAWN_MOMENT_MS ? PAUSE_FIRST_SHORT_MS : PAUSE_FIRST_MS;
	int64_t pause_ms;

	if (now_ms < respawn->until_ms)
		return 0;
	/* The processes that started after the last pause have lived long enough. */
	if (now_ms - respawn->until_ms >= RESPAWN_RESET_MS)
		respawn_reset(respawn);

	respawn->failures++;
	pause_ms = backoff_next(&respawn->pause, first_ms, PAUSE_MAX_MS);
	respawn->until_ms = now_ms + pause_ms;
	return pause_ms;
}

void respawn_reset(struct respawn *respawn)
{
	respawn->failures = 0;
	backoff_reset(&respawn->pause);
}
