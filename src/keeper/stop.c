#include "keeper/stop.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/child/wait.h"
#include "keeper/keeper.h"
#include "keeper/notify.h"
#include "keeper/pool/pools.h"
#include "keeper/service/generation.h"

/* After the grace time the fronts end their sessions. A front that takes longer is stuck. */
#define EXTRA_MS 2000

/* How long a killed child may take to end. In some system calls it cannot. */
#define KILLED_MS 1000

/* How long the keeper itself may take after that. */
#define SERVICE_MANAGER_EXTRA_MS 10000

static void on_last_limit(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, stop_limit);

	/* What fronts had sent before they were killed is read only after that. */
	requests_give_up(&keeper->requests);
	keeper->launches_given_up = true;
}

static void on_limit(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, stop_limit);

	fronts_kill(&keeper->fronts);
	requests_give_up(&keeper->requests);
	launches_kill(&keeper->launches);
	(void)timer_set(timer, keeper->timers, clock_ms() + KILLED_MS, on_last_limit);
}

void stop_begin(struct keeper *keeper, const char *why)
{
	int64_t grace_ms = keeper->generation->settings->grace_ms;

	if (keeper->stopping) {
		log_warning(0, "%s again: not waiting for sessions", why);
		on_limit(&keeper->stop_limit);
		return;
	}
	log_info("%s: stopping; sessions have %lld s, programs finish their clients", why,
		 (long long)grace_ms / 1000);
	notify_stopping("Finishing sessions", grace_ms + EXTRA_MS + SERVICE_MANAGER_EXTRA_MS);
	keeper->stopping = true;
	reload_abort(&keeper->reload);
	timer_cancel(&keeper->restart);
	pools_stop(&keeper->pools);
	wait_stop(&keeper->children);
	unread_stop(&keeper->requests.unread);
	listener_table_close(&keeper->listener_table);
	fronts_drain(&keeper->fronts, grace_ms ? (uint32_t)grace_ms : 1);
	(void)timer_set(&keeper->stop_limit, keeper->timers, clock_ms() + grace_ms + EXTRA_MS,
			on_limit);
}

bool stop_is_over(const struct keeper *keeper)
{
	if (!keeper->stopping || list_is_linked(&keeper->fronts.list))
		return false;
	return keeper->launches_given_up || (requests_count_waiting(&keeper->requests) == 0 &&
					     !launches_are_under_way(&keeper->launches));
}
