/* What the keeper says of the members of dispatch `pass`, and what it is told of them. */

#include <unistd.h>

#include "base/log.h"
#include "channel/pass-table.h"
#include "front/gate.h"
#include "front/orders.h"
#include "front/pass-crew.h"
#include "front/pass.h"
#include "front/requests.h"
#include "front/state.h"

static struct pass_crew *crew_of(const struct front *front, size_t service)
{
	return service < front->settings->n_services ? front->services[service].crew : NULL;
}

/* Calls for every member, which @fn may free. */
static void each_member(struct front *front, void (*fn)(struct pass_member *member))
{
	for (size_t i = 0; i < front->settings->n_services; i++) {
		struct pass_crew *crew = crew_of(front, i);

		if (!crew)
			continue;
		list_for_each(at, following, &crew->members)
			fn(container_of(at, struct pass_member, link));
	}
}

static void on_crew(struct pass_crew *crew, const struct channel_message *message)
{
	crew->may_grow = message->status != 0;
	pass_crew_relieve(crew);
}

static void on_member(struct pass_crew *crew, const struct channel_message *message, int fd)
{
	int r;

	/* It is new, so what its place still has is of one before, which nobody saw end. */
	if (!crew->service->front->halted && message->count < crew->table->n_places &&
	    !crew->by_place[message->count])
		pass_crew_end_orphans(crew, message->count);
	r = pass_crew_add(crew, message->count, message->status, fd);
	if (r < 0)
		log_service(LOG_ERR, crew->service->settings->name, r,
			    "cannot use its program (pid %ld)", (long)message->status);
	else if (fd < 0)
		pass_crew_watch_closed(crew->by_place[message->count]);
	pass_crew_relieve(crew);
	pass_crew_watch_surplus(crew);
}

static void on_gone(struct pass_member *member, const struct channel_message *message)
{
	struct pass_crew *crew = member->crew;

	pass_member_bury(member, &message->status);
	pass_crew_forget(member);
	pass_crew_relieve(crew);
	orders_end_if_over(crew->service->front);
}

static void on_place(struct pass_crew *crew, const struct channel_message *message)
{
	struct pass_member *member = NULL;

	if (message->count < crew->table->n_places)
		member = crew->by_place[message->count];
	if (!member)
		return;
	if (message->type == CHANNEL_LEAVE)
		pass_crew_leave(member);
	else
		on_gone(member, message);
}

void pass_obey(struct front *front, const struct channel_message *message, int fd)
{
	struct pass_crew *crew = crew_of(front, message->service);

	if (!crew || (front->draining && message->type == CHANNEL_MEMBER)) {
		if (fd >= 0)
			close(fd);
		return;
	}

	switch (message->type) {
	case CHANNEL_CREW:
		on_crew(crew, message);
		break;
	case CHANNEL_MEMBER:
		on_member(crew, message, fd);
		break;
	default:
		on_place(crew, message);
	}
}

static void rest(struct pass_member *member)
{
	if (!member->leaving)
		pass_member_disengage(member);
}

void pass_halt(struct front *front)
{
	each_member(front, rest);
}

static void stay(struct pass_member *member)
{
	int r;

	if (member->leaving && !member->dismissed) {
		member->leaving = false;
		member->crew->n_staying++;
	}
	r = member->closed ? 0 : pass_member_engage(member);
	if (r < 0) {
		log_service(LOG_ERR, member->crew->service->settings->name, r,
			    "cannot watch its program (pid %ld)", (long)member->pid);
		pass_crew_forget(member);
		return;
	}
	if (member->closed && !member->dismissed)
		pass_crew_watch_closed(member);
	pass_crew_rank(member);
	pass_crew_watch_surplus(member->crew);
}

void pass_resume(struct front *front)
{
	each_member(front, stay);
	pass_flush(front);
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (crew_of(front, i))
			pass_crew_relieve(crew_of(front, i));
}

static void let_go(struct pass_member *member)
{
	if (!member->leaving) {
		pass_member_disengage(member);
		pass_crew_forget(member);
	}
}

static void dismiss_idle(struct pass_member *member)
{
	if (!member->dismissed && (!member->engaged || pass_member_clients(member) == 0))
		pass_crew_dismiss(member);
}

void pass_drain(struct front *front, bool has_successor)
{
	each_member(front, has_successor ? let_go : pass_crew_leave);
	each_member(front, dismiss_idle);
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (crew_of(front, i))
			pass_crew_lose_kept(crew_of(front, i));
}

static void give_up(struct pass_member *member)
{
	pass_member_bury(member, NULL);
}

void pass_end_all(struct front *front)
{
	each_member(front, give_up);
}

bool pass_is_over(const struct front *front)
{
	return !list_is_linked(&front->unsaid) && front->n_members == 0;
}

void pass_crew_ask(struct pass_crew *crew)
{
	struct front *front = crew->service->front;
	struct channel_message message = {
		.type = CHANNEL_GROW,
		.service = (uint32_t)crew->service->settings->index,
	};

	crew->may_grow = false;
	crew->wants_growth = !gate_lets_requests(front);
	if (!crew->wants_growth)
		requests_send(front, &message, -1);
	else if (!list_is_linked(&crew->unsaid_link))
		list_add_before(&front->unsaid, &crew->unsaid_link);
}

/* Returns whether all of it went out. */
static bool say(struct pass_crew *crew)
{
	struct front *front = crew->service->front;

	list_for_each(at, following, &crew->members) {
		struct pass_member *member = container_of(at, struct pass_member, link);
		/* The process too: another one may have its place by now. */
		struct channel_message message = {
			.type = CHANNEL_DISMISS,
			.service = (uint32_t)crew->service->settings->index,
			.count = member->place,
			.status = member->pid,
		};

		if (!member->unsaid)
			continue;
		if (front->blocked)
			return false;
		member->unsaid = false;
		requests_send(front, &message, -1);
	}
	if (crew->wants_growth && !gate_lets_requests(front))
		return front->draining;
	if (crew->wants_growth)
		pass_crew_ask(crew);
	return true;
}

void pass_flush(struct front *front)
{
	/* Halted, a front says nothing: the keeper has its answer. */
	if (front->halted && !front->draining)
		return;
	list_for_each(at, following, &front->unsaid) {
		struct pass_crew *crew = container_of(at, struct pass_crew, unsaid_link);

		if (!say(crew))
			continue;
		list_unlink(&crew->unsaid_link);
	}
}
