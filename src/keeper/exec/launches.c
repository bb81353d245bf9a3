#include "keeper/exec/launches.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* One keeper does not launch more than so many can take. */
#define PROCESSORS_MAX 63

/* A launch takes less than a millisecond, and some with a hundred other processes at work. */
#define SLOW_MS 50

/* Slow launches: of one service, and of all. */
#define SLOW_OF_SERVICE 4
#define SLOW_MAX 64

/* When there are so many, each has only this long. */
#define CROWDED_LIMIT_MS 1000

/* The pauses of the timer. */
#define LOOK_FIRST_MS 1
#define LOOK_MAX_MS 250
#define LOOK_IN_PAUSE_MS 1000

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000

static struct launch *launch_at(struct list *link)
{
	return container_of(link, struct launch, link);
}

static unsigned count_processors(void)
{
	cpu_set_t set;

	/* The call fails if there are more of them than the set has. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) > PROCESSORS_MAX)
		return PROCESSORS_MAX;
	return (unsigned)CPU_COUNT(&set);
}

/* Life */

static int add_free(struct launches *launches)
{
	struct launch *launch = launch_new(launches->text_size);

	if (!launch)
		return -ENOMEM;
	launch->launches = launches;
	launches->n++;
	list_init(&launch->link);
	list_add_before(&launches->free, &launch->link);
	return 0;
}

void launches_init(struct launches *launches, struct timers *timers)
{
	*launches = (struct launches){ .timers = timers, .limit = count_processors() + 1 };
	list_init(&launches->free);
	list_init(&launches->under_way);
	launches->null = open("/dev/null", O_RDWR | O_CLOEXEC);
}

void launches_fini(struct launches *launches)
{
	timer_cancel(&launches->timer);
	list_for_each(at, next, &launches->free) {
		list_unlink(at);
		launch_free(launch_at(at));
	}
	if (launches->null >= 0)
		close(take_fd(launches->null));
}

void launches_abandon(const struct launches *launches)
{
	if (launches->null >= 0)
		close(launches->null);
}

int launches_make_room(struct launches *launches, size_t text_size)
{
	if (text_size > launches->text_size)
		launches->text_size = text_size;
	list_for_each(at, next, &launches->under_way)
		if (launch_make_room(launch_at(at), launches->text_size) < 0)
			return -ENOMEM;
	list_for_each(at, next, &launches->free) {
		if (launch_make_room(launch_at(at), launches->text_size) < 0)
			return -ENOMEM;
		launch_settle_room(launch_at(at));
	}
	/* More are made where some are slow. */
	while (launches->n < launches->limit + 1)
		if (add_free(launches) < 0)
			return -ENOMEM;
	return 0;
}

/* Beginning */

bool launches_have_room(const struct launches *launches, enum launch_kind kind)
{
	return launches->counted[kind] < launches->limit;
}

bool launches_allow(const struct launches *launches, const struct launch_quota *quota)
{
	if (quota->slow > 0 && launches->slow >= SLOW_MAX)
		return false;
	/* After a launch that took too long, one at a time shows whether it was the only one. */
	if (quota->slow >= (quota->overdue > 0 ? 1 : SLOW_OF_SERVICE))
		return false;
	return quota->until_ms == 0 || clock_ms() >= quota->until_ms;
}

int64_t launches_pause_ms(const struct launch_quota *quota)
{
	int64_t left_ms = quota->until_ms - clock_ms();

	return quota->until_ms > 0 && left_ms > 0 ? left_ms : 0;
}

static void look_in(struct launches *launches, int64_t now, int64_t ms);

struct launch *launches_take(struct launches *launches, struct launch_quota *quota,
			     enum launch_kind kind, int64_t limit_ms)
{
	struct launch *launch;

	if (!list_is_linked(&launches->free) && add_free(launches) < 0)
		return NULL;
	launch = launch_at(launches->free.next);
	list_unlink(&launch->link);
	list_add_before(&launches->under_way, &launch->link);
	launch->quota = quota;
	launch->kind = kind;
	launch->limit_ms = limit_ms;
	launch->slow = false;
	launch->started_ms = clock_ms();
	atomic_store(&launch->child.step, SPAWN_NONE);
	launches->counted[kind]++;
	look_in(launches, launch->started_ms, LOOK_FIRST_MS);
	return launch;
}

/* Ending */

static void count_as_slow(struct launch *launch)
{
	launch->slow = true;
	launch->launches->counted[launch->kind]--;
	launch->launches->slow++;
	launch->quota->slow++;
}

static void uncount(struct launch *launch)
{
	if (!launch->slow) {
		launch->launches->counted[launch->kind]--;
		return;
	}
	launch->launches->slow--;
	launch->quota->slow--;
}

void launches_return(struct launch *launch)
{
	if (!launch)
		return;
	uncount(launch);
	launch_settle_room(launch);
	list_unlink(&launch->link);
	list_add_before(&launch->launches->free, &launch->link);
}

static void note_executed(struct launch *launch)
{
	launch->quota->overdue = 0;
	launch->quota->until_ms = 0;
	backoff_reset(&launch->quota->pause);
}

static void note_overdue(struct launch *launch, int64_t now)
{
	struct launch_quota *quota = launch->quota;

	if (++quota->overdue < 2)
		return;
	quota->until_ms = now + backoff_next(&quota->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);
	if (quota->until_ms > launch->launches->pause_until_ms)
		launch->launches->pause_until_ms = quota->until_ms;
}

bool launches_reaped(struct launch *launch, int status)
{
	const struct spawn_failure failure = launch_failure(launch, status);
	bool executed = failure.step == SPAWN_NONE;

	if (executed)
		note_executed(launch);
	/* First, because what follows may need another launch. */
	launches_return(launch);
	if (executed)
		launch->events->executed(launch);
	else
		launch->events->not_started(launch, &failure);
	return executed;
}

void launches_kill(struct launches *launches)
{
	list_for_each(at, next, &launches->under_way)
		launch_kill(launch_at(at));
}

/* Looking */

static bool is_overdue(const struct launch *launch, int64_t age_ms)
{
	bool crowded = launch->launches->slow >= SLOW_MAX;

	return age_ms >= launch->limit_ms || (crowded && age_ms >= CROWDED_LIMIT_MS);
}

static void give_up(struct launch *launch, int64_t now)
{
	struct spawn_failure failure;

	launch->timed_out = true;
	launch_kill(launch);
	note_overdue(launch, now);
	failure = launch_failure(launch, -1);
	launch->events->overdue(launch, &failure);
}

static void look_at(struct launch *launch, int64_t now)
{
	int64_t age_ms = now - launch->started_ms;

	if (launch_has_executed(launch) && !launch->timed_out) {
		note_executed(launch);
		launch->events->executed(launch);
		launches_return(launch);
		return;
	}
	if (age_ms >= SLOW_MS && !launch->slow && launch->launches->slow < SLOW_MAX)
		count_as_slow(launch);
	if (!launch->timed_out && is_overdue(launch, age_ms))
		give_up(launch, now);
}

static void on_timer(struct timer *timer)
{
	/* The loop looks at the end of its turn. */
}

static void look_in(struct launches *launches, int64_t now, int64_t ms)
{
	(void)timer_set(&launches->timer, launches->timers, now + ms, on_timer);
}

/* The older the youngest launch is, the less likely it ends now. */
static int64_t next_look(const struct launches *launches, int64_t now)
{
	int64_t pause_ms;

	if (!launches_are_under_way(launches))
		return now < launches->pause_until_ms ? LOOK_IN_PAUSE_MS : -1;
	pause_ms = (now - launch_at(launches->under_way.previous)->started_ms) / 2;
	if (pause_ms < LOOK_FIRST_MS)
		return LOOK_FIRST_MS;
	return pause_ms < LOOK_MAX_MS ? pause_ms : LOOK_MAX_MS;
}

void launches_look(struct launches *launches)
{
	int64_t now, pause_ms;

	if (!timer_is_set(&launches->timer) && !launches_are_under_way(launches) &&
	    launches->pause_until_ms == 0)
		return;
	now = clock_ms();
	list_for_each(at, next, &launches->under_way)
		look_at(launch_at(at), now);
	pause_ms = next_look(launches, now);
	if (pause_ms >= 0) {
		look_in(launches, now, pause_ms);
		return;
	}
	launches->pause_until_ms = 0;
	timer_cancel(&launches->timer);
}
