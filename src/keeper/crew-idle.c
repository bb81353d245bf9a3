/* Ends what is surplus in a pool, once it has been idle for long enough. */

#include "base/clock.h"
#include "config/settings.h"
#include "keeper/child.h"
#include "keeper/crew.h"
#include "keeper/member.h"
#include "keeper/state.h"

/* Looks in the time after which an idle one ends, and the bounds of the pause between two. */
#define LOOKS 4
#define LOOK_MIN_MS 50
#define LOOK_MAX_MS 5000

static bool is_surplus(const struct crew *crew)
{
	return crew->n_ready > crew_service(crew)->crew.min;
}

void crew_look_at(struct crew *crew, struct member *member)
{
	struct usage usage;

	if (usage_of(member->child->pid, &usage) < 0)
		return;
	idleness_look(&member->idleness, &usage, clock_ms());
	if (crew->least == 0 || usage.descriptors < crew->least)
		crew->least = usage.descriptors;
}

static void look_at_all(struct crew *crew)
{
	list_for_each(at, next, &crew->members) {
		struct member *member = container_of(at, struct member, link);

		if (member->state == MEMBER_READY && !member->fresh)
			crew_look_at(crew, member);
	}
}

static void end_idle(struct crew *crew)
{
	int64_t limit_ms = crew_service(crew)->crew.idle_exit_ms;
	int64_t now_ms = clock_ms();

	list_for_each(at, next, &crew->members) {
		struct member *member = container_of(at, struct member, link);

		if (member->state == MEMBER_READY && member->idleness.since_ms != 0 &&
		    idleness_is_enough(&member->idleness, crew->least, now_ms, limit_ms) &&
		    is_surplus(crew))
			member_end(member);
	}
}

static void on_look(struct timer *timer)
{
	struct crew *crew = container_of(timer, struct crew, look);

	look_at_all(crew);
	end_idle(crew);
	crew_settle(crew);
}

void crew_watch_idle(struct crew *crew)
{
	int64_t pause_ms = crew_service(crew)->crew.idle_exit_ms / LOOKS;

	if (crew->passes || !is_surplus(crew)) {
		timer_cancel(&crew->look);
		return;
	}
	if (crew->look.place != 0)
		return;
	if (pause_ms < LOOK_MIN_MS)
		pause_ms = LOOK_MIN_MS;
	if (pause_ms > LOOK_MAX_MS)
		pause_ms = LOOK_MAX_MS;
	(void)timer_set(&crew->look, crew->keeper->timers, clock_ms() + pause_ms, on_look);
}
