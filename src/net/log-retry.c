#include "net/log-retry.h"

#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/timer.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

/* The hook of the log has no argument. */
static struct {
	struct timers *timers;
	struct timer timer;
	int64_t pause_ms;
} retry;

static void try_again(struct timer *timer)
{
	if (log_retry())
		return;
	retry.pause_ms *= 2;
	if (retry.pause_ms > PAUSE_MAX_MS)
		retry.pause_ms = PAUSE_MAX_MS;
	(void)timer_set(timer, retry.timers, clock_ms() + retry.pause_ms, try_again);
}

static void on_first_drop(void)
{
	retry.pause_ms = PAUSE_FIRST_MS;
	(void)timer_set(&retry.timer, retry.timers, clock_ms() + retry.pause_ms, try_again);
}

void log_retry_start(struct timers *timers)
{
	retry.timers = timers;
	retry.timer = (struct timer){ 0 };
	log_set_drop_hook(on_first_drop);
}

void log_retry_inherit(void)
{
	if (log_dropped() > 0 && !retry.timer.place)
		on_first_drop();
}

void log_retry_stop(void)
{
	log_set_drop_hook(NULL);
	timer_cancel(&retry.timer);
}
