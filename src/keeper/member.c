#include "keeper/member.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child-log.h"
#include "keeper/crew-tell.h"
#include "keeper/crew.h"
#include "keeper/front-channel.h"
#include "keeper/state.h"

/* A program that does not say when it is ready is given this long to come to its first client. */
#define FRESH_MS 100

void member_free(struct member *member)
{
	if (!member)
		return;
	timer_cancel(&member->limit);
	member_hang_up(member);
	list_unlink(&member->link);
	crew_unref(member->crew);
	free(member);
}

static bool is_free(const struct crew *crew, unsigned place)
{
	list_for_each(at, next, &crew->members)
		if (container_of(at, struct member, link)->place == place)
			return false;
	return true;
}

/* The one that has been free for longest: the fronts have heard of who was there before. */
static void take_place(struct member *member)
{
	struct crew *crew = member->crew;
	unsigned n = crew->table->n_places;

	while (!is_free(crew, crew->place % n))
		crew->place++;
	member->place = crew->place++ % n;
}

struct member *member_new(struct crew *crew, struct child *child)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	list_init(&member->link);
	member->fd = -1;
	member->child = child;
	member->crew = crew_ref(crew);
	if (crew->table)
		take_place(member);
	return member;
}

static void on_limit(struct timer *timer)
{
	struct member *member = container_of(timer, struct member, limit);
	struct crew *crew = member->crew;
	const struct service *service;
	int64_t limit_ms;

	if (member->late) {
		/* It has no client: nothing is lost with it. */
		kill(member->child->pid, SIGKILL);
		return;
	}
	service = crew_service(crew);
	limit_ms = service->crew.ready_timeout_ms;
	log_service(LOG_WARNING, service->name, 0,
		    "'%s' (pid %ld) was not ready after %lld s; ending it",
		    service->program.argv[0], (long)member->child->pid, (long long)limit_ms / 1000);
	member_end(member);
	member->late = true;
	(void)timer_set(timer, crew->keeper->timers, clock_ms() + limit_ms, on_limit);
	crew_settle(crew);
}

static void lose_freshness(struct member *member)
{
	member->crew->n_fresh -= member->fresh;
	member->fresh = false;
}

static void on_settled(struct timer *timer)
{
	struct member *member = container_of(timer, struct member, limit);

	lose_freshness(member);
	if (!member->crew->passes)
		crew_look_at(member->crew, member);
	crew_settle(member->crew);
}

static void become_ready(struct member *member)
{
	struct crew *crew = member->crew;

	timer_cancel(&member->limit);
	member->state = MEMBER_READY;
	crew->n_starting--;
	crew->n_ready++;
	if (!crew->passes)
		return;
	crew_tell_member(member);
	member->was_ready = true;
}

static void be_fresh(struct member *member)
{
	struct crew *crew = member->crew;
	int64_t until_ms = clock_ms() + FRESH_MS;

	become_ready(member);
	if (timer_set(&member->limit, crew->keeper->timers, until_ms, on_settled) == 0) {
		member->fresh = true;
		crew->n_fresh++;
	}
}

void member_enlist(struct member *member)
{
	struct crew *crew = member->crew;
	const struct crew_settings *settings = &crew_service(crew)->crew;

	list_add_before(&crew->members, &member->link);
	crew->n_starting++;
	crew->asked = false;
	crew->slot->live++;
	log_started(member->child);
	if (settings->ready_notify)
		(void)timer_set(&member->limit, crew->keeper->timers,
				clock_ms() + settings->ready_timeout_ms, on_limit);
	else
		be_fresh(member);
}

void member_ready(struct member *member)
{
	if (member->state != MEMBER_STARTING)
		return;
	become_ready(member);
	crew_settle(member->crew);
}

void member_hang_up(struct member *member)
{
	if (member->fd >= 0)
		close(take_fd(member->fd));
}

void member_end(struct member *member)
{
	struct crew *crew = member->crew;

	if (member->state == MEMBER_ENDING)
		return;
	timer_cancel(&member->limit);
	lose_freshness(member);
	if (member->state == MEMBER_STARTING)
		crew->n_starting--;
	else
		crew->n_ready--;
	crew->n_ending++;
	member->state = MEMBER_ENDING;
	member_hang_up(member);
	kill(member->child->pid, SIGTERM);
}

static bool ended_at_once(const struct member *member, int64_t lived_us)
{
	if (member->state == MEMBER_ENDING)
		return member->late;
	return member->state == MEMBER_STARTING || lived_us < RESTARTS_QUICK_MS * 1000;
}

void member_ended(struct member *member, int status, int64_t lived_us)
{
	struct crew *crew = crew_ref(member->crew);
	bool quick = ended_at_once(member, lived_us);

	if (member->was_ready)
		crew_tell_gone(member, status);
	lose_freshness(member);
	switch (member->state) {
	case MEMBER_STARTING:
		crew->n_starting--;
		break;
	case MEMBER_READY:
		crew->n_ready--;
		break;
	case MEMBER_ENDING:
		crew->n_ending--;
		break;
	}
	crew->slot->live--;
	fronts_note_ended(crew->keeper, crew->slot);
	member_free(member);

	if (quick)
		crew_note_quick_death(crew);
	else if (lived_us >= RESTARTS_CALM_MS * 1000)
		restarts_calm(&crew->restarts);
	crew_settle(crew);
	crew_unref(crew);
}
