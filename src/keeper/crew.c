#include "keeper/crew.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/channel.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child.h"
#include "keeper/crew-tell.h"
#include "keeper/front-process.h"
#include "keeper/member.h"
#include "keeper/state.h"

#define SHORTAGE_FIRST_MS 50
#define SHORTAGE_MAX_MS 500

const struct service *crew_service(const struct crew *crew)
{
	return &crew->generation->settings->services[crew->service];
}

/* How many are or will be of use. */
static unsigned count_alive(const struct crew *crew)
{
	return crew->n_starting + crew->n_ready;
}

/* One of a pool that ends may still have its client, and counts until it has gone. */
static bool has_room(const struct crew *crew)
{
	unsigned n = count_alive(crew);

	if (crew->passes)
		return n < crew_service(crew)->crew.max &&
		       n + crew->n_ending < crew->table->n_places;
	return n + crew->n_ending < crew_service(crew)->crew.max;
}

/* A pool shares all listeners of its service, or none. */
static bool is_bound(const struct crew *crew)
{
	const struct service *service = crew_service(crew);

	for (size_t i = 0; !crew->passes && i < service->n_endpoints; i++)
		if (crew->generation->listeners[service->first_endpoint + i]->fd < 0)
			return false;
	return true;
}

static bool may_start(const struct crew *crew)
{
	return crew->state == CREW_OPEN && !crew->keeper->stopping && crew->again.place == 0 &&
	       has_room(crew) && is_bound(crew);
}

/* At most as many at once as there are already: demand is looked at again when they serve. */
bool crew_may_grow(const struct crew *crew)
{
	unsigned young = crew->n_starting + crew->n_fresh;

	return may_start(crew) && (young == 0 || young < crew->n_ready - crew->n_fresh);
}

static bool wants_more(const struct crew *crew)
{
	return may_start(crew) && (count_alive(crew) < crew_service(crew)->crew.min || crew->asked);
}

static void on_again(struct timer *timer)
{
	crew_settle(container_of(timer, struct crew, again));
}

static void start_again_in(struct crew *crew, int64_t pause_ms)
{
	(void)timer_set(&crew->again, crew->keeper->timers, clock_ms() + pause_ms, on_again);
}

void crew_note_quick_death(struct crew *crew)
{
	int64_t now = clock_ms(), pause_ms;

	if (crew->state != CREW_OPEN || crew->keeper->stopping ||
	    !restarts_pause(&crew->restarts, now))
		return;
	pause_ms = restarts_wait_ms(&crew->restarts, now);
	crew->asked = false;
	start_again_in(crew, pause_ms);
	if (crew->restarts.deaths == 1)
		log_service(LOG_WARNING, crew->slot->name, 0,
			    "its program ended at once; next start in %lld s",
			    (long long)pause_ms / 1000);
	else
		log_service(LOG_WARNING, crew->slot->name, 0,
			    "its program ended %u times in a row at once; "
			    "next start in %lld s",
			    crew->restarts.deaths, (long long)pause_ms / 1000);
}

static void note_shortage(struct crew *crew, int error)
{
	if (crew->shortage_ms == 0)
		log_service(LOG_WARNING, crew->slot->name, error,
			    "no process can be started for now");
	crew->shortage_ms = crew->shortage_ms ? crew->shortage_ms * 2 : SHORTAGE_FIRST_MS;
	if (crew->shortage_ms > SHORTAGE_MAX_MS)
		crew->shortage_ms = SHORTAGE_MAX_MS;
	start_again_in(crew, crew->shortage_ms);
}

static void note_plenty(struct crew *crew)
{
	if (crew->shortage_ms > 0)
		log_service(LOG_INFO, crew->slot->name, 0, "processes can be started again");
	crew->shortage_ms = 0;
}

static void start_missing(struct crew *crew)
{
	int r = 1;

	while (r > 0 && wants_more(crew)) {
		r = member_start(crew);
		if (r < 0)
			note_shortage(crew, r);
		else
			note_plenty(crew);
	}
}

static void end_members(struct crew *crew)
{
	list_for_each(at, next, &crew->members)
		member_end(container_of(at, struct member, link));
}

static void close_crew(struct crew *crew)
{
	crew->state = CREW_CLOSED;
	end_members(crew);
}

void crew_relieve_others(const struct crew *crew)
{
	list_for_each(at, next, &crew->keeper->crews) {
		struct crew *other = container_of(at, struct crew, link);

		if (other->slot == crew->slot && other->state == CREW_OUTLIVED)
			close_crew(other);
	}
}

void crew_settle(struct crew *crew)
{
	if (crew->state != CREW_OPEN || crew->keeper->stopping)
		return;
	start_missing(crew);
	if (crew->n_ready >= crew_service(crew)->crew.min)
		crew_relieve_others(crew);
	crew_watch_idle(crew);
	if (crew->told_ready == crew->n_ready && crew->told_may_grow == crew_may_grow(crew))
		return;
	crew_tell(crew);
}

/* Requests of a front */

static void grow(struct crew *crew)
{
	crew->asked = crew_may_grow(crew);
	crew_settle(crew);
	/* Also when nothing has changed: it waits for an answer. */
	crew_tell(crew);
}

static void dismiss(struct crew *crew, unsigned place, pid_t pid)
{
	list_for_each(at, next, &crew->members) {
		struct member *member = container_of(at, struct member, link);

		if (member->place == place && member->child->pid == pid) {
			member_end(member);
			crew_settle(crew);
			return;
		}
	}
}

int crews_handle(struct keeper *keeper, const struct front *front,
		 const struct channel_message *message)
{
	struct crew *crew = crew_of_front(front, message->service);

	/* One that drains may have lost what it is to speak of. */
	if (!crew)
		return front->generation ? -EBADMSG : 0;
	if (message->type == CHANNEL_DISMISS) {
		if (!crew->passes || message->count >= crew->table->n_places)
			return -EBADMSG;
		dismiss(crew, message->count, message->status);
		return 0;
	}
	if (!front->generation)
		return -EBADMSG;
	if (crew->state == CREW_OPEN)
		grow(crew);
	return 0;
}

/* Events of the keeper */

void crews_stop(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->crews) {
		struct crew *crew = container_of(at, struct crew, link);

		timer_cancel(&crew->again);
		timer_cancel(&crew->look);
		list_for_each(of, following, &crew->members) {
			struct member *member = container_of(of, struct member, link);

			if (!crew->passes || member->state == MEMBER_STARTING)
				member_end(member);
		}
	}
}

void crews_end(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->crews)
		end_members(container_of(at, struct crew, link));
}

void crews_on_bound(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->crews)
		crew_settle(container_of(at, struct crew, link));
}
