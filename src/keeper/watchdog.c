#include "keeper/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "channel/stats.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/notify.h"
#include "keeper/service/service-record.h"

#define ASK_BUSY_MS 15000
#define ASK_AT_REST_MS 90000
#define START_LIMIT_MS 10000

/*
 * The time to answer has several parts, so that a pause of the whole machine, by the end of which
 * all timers are due, does not count as all of it.
 */
#define ANSWER_MS 10000
#define ANSWER_STEPS 4

static void on_timer(struct timer *timer);

static void wait(struct watchdog *watchdog, int64_t ms)
{
	(void)timer_set(&watchdog->timer, watchdog->timers, clock_ms() + ms, on_timer);
}

/* At least three times in the time that the service manager gives. */
static int64_t within_limit(const struct watchdog *watchdog, int64_t ms)
{
	return watchdog->limit_ms > 0 && watchdog->limit_ms / 3 < ms ? watchdog->limit_ms / 3 : ms;
}

static uint64_t count_clients(const struct watchdog *watchdog)
{
	const struct service_record *record = watchdog->fronts->records->by_name;
	uint64_t n = 0;

	for (; record; record = record->hh.next) {
		const struct service_stats *stats = &watchdog->stats[record->number];

		n += atomic_load(&stats->accepted) + stats_refused(stats) +
		     atomic_load(&stats->datagrams);
	}
	return n;
}

/* All fronts that there are have answered. */
static void rest(struct watchdog *watchdog)
{
	uint64_t n_clients = count_clients(watchdog);
	bool busy = n_clients != watchdog->n_clients;

	watchdog->asked = false;
	watchdog->n_clients = n_clients;
	if (watchdog->limit_ms > 0)
		notify_watchdog();
	wait(watchdog, within_limit(watchdog, busy ? ASK_BUSY_MS : ASK_AT_REST_MS));
}

static void ask(struct watchdog *watchdog)
{
	fronts_log_draining(watchdog->fronts);
	if (fronts_ping(watchdog->fronts) == 0) {
		rest(watchdog);
		return;
	}
	watchdog->asked = true;
	watchdog->steps = 0;
	wait(watchdog, within_limit(watchdog, ANSWER_MS) / ANSWER_STEPS);
}

/* The next one answers soon, which the service manager waits for. */
static void end_silent(struct watchdog *watchdog)
{
	fronts_end_silent(watchdog->fronts);
	watchdog->asked = false;
	wait(watchdog, within_limit(watchdog, ANSWER_MS) / ANSWER_STEPS);
}

/* Between fronts there is none to be asked. */
static void check_start(const struct watchdog *watchdog)
{
	struct front *front = watchdog->fronts->current;

	if (!front || front->state != FRONT_STARTING ||
	    clock_ms() - front->started_ms < START_LIMIT_MS)
		return;
	log_error(0, "the front (pid %ld) does not serve after %d s; ending it", (long)front->pid,
		  START_LIMIT_MS / 1000);
	front_kill(front);
}

static void on_timer(struct timer *timer)
{
	struct watchdog *watchdog = container_of(timer, struct watchdog, timer);

	check_start(watchdog);
	if (!watchdog->asked)
		ask(watchdog);
	else if (!fronts_await_answer(watchdog->fronts))
		rest(watchdog);
	else if (++watchdog->steps == ANSWER_STEPS)
		end_silent(watchdog);
	else
		wait(watchdog, within_limit(watchdog, ANSWER_MS) / ANSWER_STEPS);
}

void watchdog_answered(struct watchdog *watchdog)
{
	if (watchdog->asked && !fronts_await_answer(watchdog->fronts))
		rest(watchdog);
}

/* What is due sooner is not put off, however often fronts end. */
void watchdog_expect(struct watchdog *watchdog)
{
	int64_t ms = within_limit(watchdog, START_LIMIT_MS);

	if (!timer_is_set(&watchdog->timer) || watchdog->timer.at_ms > clock_ms() + ms)
		wait(watchdog, ms);
}

void watchdog_relax(struct watchdog *watchdog)
{
	if (watchdog->limit_ms == 0 && !watchdog->asked)
		wait(watchdog, ASK_AT_REST_MS);
}

void watchdog_init(struct watchdog *watchdog, struct timers *timers, struct fronts *fronts,
		   const struct service_stats *stats)
{
	*watchdog = (struct watchdog){
		.timers = timers,
		.fronts = fronts,
		.stats = stats,
		.limit_ms = notify_watchdog_ms(),
	};
}

void watchdog_start(struct watchdog *watchdog)
{
	if (watchdog->limit_ms > 0)
		notify_watchdog();
	watchdog_expect(watchdog);
}

void watchdog_fini(struct watchdog *watchdog)
{
	timer_cancel(&watchdog->timer);
}
