#include "keeper/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/notify.h"

static void on_timer(struct timer *timer)
{
	struct watchdog *watchdog = container_of(timer, struct watchdog, timer);
	struct front *front = watchdog->fronts->current;

	if (front && front->ping_pending) {
		log_error(0, "the front (pid %ld) does not answer; ending it", (long)front->pid);
		front_kill(front);
	} else {
		notify_watchdog();
	}
	if (front)
		front_ping(front);
	(void)timer_set(timer, watchdog->timers, clock_ms() + watchdog->limit_ms / 3, on_timer);
}

void watchdog_init(struct watchdog *watchdog, struct timers *timers, struct fronts *fronts)
{
	*watchdog = (struct watchdog){
		.timers = timers,
		.fronts = fronts,
		.limit_ms = notify_watchdog_ms(),
	};
	if (watchdog->limit_ms > 0)
		on_timer(&watchdog->timer);
}

void watchdog_fini(struct watchdog *watchdog)
{
	timer_cancel(&watchdog->timer);
}
