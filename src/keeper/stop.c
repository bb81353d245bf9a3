#include "keeper/stop.h"

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"
#include "keeper/child/wait.h"
#include "keeper/keeper.h"
#include "keeper/notify.h"
#include "keeper/pool/pools.h"
#include "keeper/service/generation.h"

/* After the grace time the fronts end their sessions. A front that takes longer is stuck. */
#define EXTRA_MS 2000

/* How long the fronts may take to end their sessions when they have no more time. */
#define HURRY_MS 500

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

/* A front that is told to end its sessions logs each of them. One that is killed logs none. */
static void hurry(struct keeper *keeper, const char *why)
{
	log_warning(0, "%s again: not waiting for sessions", why);
	if (keeper->hurried) {
		on_limit(&keeper->stop_limit);
		return;
	}
	keeper->hurried = true;
	fronts_drain(&keeper->fronts, 1);
	requests_give_up(&keeper->requests);
	launches_kill(&keeper->launches);
	(void)timer_set(&keeper->stop_limit, keeper->timers, clock_ms() + HURRY_MS, on_limit);
}

/* Whoever sits at the terminal would think that superd hangs. */
static void say_how_to_hurry(const struct keeper *keeper, int number)
{
	unsigned n = fronts_count_sessions(&keeper->fronts);
	char clients[TEXT_COUNT_MAX];

	if (n > 0)
		log_info("waiting for %s; %s again ends %s at once",
			 text_count(clients, n, "client"), number == SIGINT ? "Ctrl-C" : "SIGTERM",
			 n == 1 ? "it" : "them");
}

void stop_begin(struct keeper *keeper, int number)
{
	int64_t grace_ms = keeper->generation->settings->grace_ms;
	const char *why = number == SIGINT ? "interrupted" : "terminated";

	if (keeper->stopping) {
		hurry(keeper, why);
		return;
	}
	log_info("%s: stopping; sessions have %lld s, programs finish their clients", why,
		 (long long)grace_ms / 1000);
	if (grace_ms > 0)
		say_how_to_hurry(keeper, number);
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
