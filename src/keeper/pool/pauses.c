#include "keeper/pool/pauses.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"
#include "keeper/pool/pool-state.h"
#include "keeper/service/service-record.h"

#define SHORTAGE_FIRST_MS 50
#define SHORTAGE_MAX_MS 500

/* The pause after a process that did come up, or may have. */
#define AFTER_CLIENT_MS 10

/* How many such processes are forgiven after one that lived long enough. */
#define FORGIVEN_MAX 200

static void on_again(struct timer *timer)
{
	pool_changed(container_of(timer, struct pool, again));
}

static void start_again_in(struct pool *pool, int64_t pause_ms)
{
	if (pool_is_serving(pool))
		service_debug(pool_service(pool), "pool: starts nothing for %lld ms; %s",
			      (long long)pause_ms, pool_counts(pool));
	(void)timer_set(&pool->again, pool->pools->timers, clock_ms() + pause_ms, on_again);
}

void pauses_note_failure(struct pool *pool, int64_t lived_ms)
{
	char pause[TEXT_SECONDS_MAX];
	int64_t pause_ms = 0;

	if (pool_is_serving(pool))
		pause_ms = respawn_pause(&pool->respawn, clock_ms(), lived_ms);
	if (pause_ms == 0)
		return;
	pool->asked = false;
	start_again_in(pool, pause_ms);
	text_seconds(pause, pause_ms);
	if (pool->respawn.failures == 1)
		log_service(LOG_WARNING, pool->handle.record->name, 0,
			    "its program ended at once; next start in %s", pause);
	else
		log_service(LOG_WARNING, pool->handle.record->name, 0,
			    "its program ended %u times in a row at once; next start in %s",
			    pool->respawn.failures, pause);
}

void pauses_note_short_life(struct pool *pool)
{
	if (pool_is_serving(pool) && !timer_is_set(&pool->again))
		start_again_in(pool, AFTER_CLIENT_MS);
}

void pauses_note_moment(struct pool *pool, int64_t lived_ms)
{
	if (pool->forgives == 0) {
		pauses_note_failure(pool, lived_ms);
		return;
	}
	pool->forgives--;
	pauses_note_short_life(pool);
}

void pauses_note_full_life(struct pool *pool, int64_t lived_ms)
{
	if (lived_ms >= RESPAWN_QUICK_MS)
		pool->forgives = FORGIVEN_MAX;
	if (lived_ms >= RESPAWN_RESET_MS)
		respawn_reset(&pool->respawn);
}

void pauses_note_shortage(struct pool *pool, int error)
{
	if (pool->shortage.pause_ms == 0)
		log_service(LOG_WARNING, pool->handle.record->name, error,
			    "no process can be started for now");
	start_again_in(pool, backoff_next(&pool->shortage, SHORTAGE_FIRST_MS, SHORTAGE_MAX_MS));
}

void pauses_note_plenty(struct pool *pool)
{
	if (pool->shortage.pause_ms > 0)
		log_service(LOG_INFO, pool->handle.record->name, 0,
			    "processes can be started again");
	backoff_reset(&pool->shortage);
}
