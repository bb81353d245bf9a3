#include "keeper/crew-tell.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel/birth.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/crew.h"
#include "keeper/front-channel.h"
#include "keeper/front-process.h"
#include "keeper/member.h"
#include "keeper/state.h"

bool generation_names(const struct generation *generation, const struct crew *crew)
{
	int64_t index = generation_service(generation, crew->slot);

	return index >= 0 && generation->crews[index] == crew;
}

struct crew *crew_of_front(const struct front *front, uint32_t service)
{
	if (front->generation)
		return service < front->generation->n_slots ? front->generation->crews[service]
							    : NULL;
	return service < front->n_crews ? front->crews[service] : NULL;
}

/* The index of @crew among the services of @front, or -1. */
static int64_t service_in(const struct front *front, const struct crew *crew)
{
	if (front->generation)
		return generation_names(front->generation, crew)
			       ? generation_service(front->generation, crew->slot)
			       : -1;
	for (size_t i = 0; i < front->n_crews; i++)
		if (front->crews[i] == crew)
			return (int64_t)i;
	return -1;
}

bool crew_is_known(const struct crew *crew)
{
	list_for_each(at, next, &crew->keeper->fronts)
		if (service_in(container_of(at, struct front, link), crew) >= 0)
			return true;
	return false;
}

/* Starts a message about @crew to @front. Returns false where it does not know it. */
static bool address_message(struct channel_message *out, const struct front *front,
			    const struct crew *crew, enum channel_type type)
{
	int64_t service = service_in(front, crew);

	if (service < 0)
		return false;
	*out = (struct channel_message){ .type = type, .service = (uint32_t)service };
	return true;
}

void crew_tell(struct crew *crew)
{
	crew->told_ready = crew->n_ready;
	crew->told_may_grow = crew_may_grow(crew);
	list_for_each(at, next, &crew->keeper->fronts) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message;

		if (!front_counts(front) || !address_message(&message, front, crew, CHANNEL_CREW))
			continue;
		message.count = crew->told_ready;
		message.status = crew->told_may_grow;
		front_send(front, &message, -1);
	}
}

static bool address_member(struct channel_message *out, const struct front *front,
			   const struct member *member, enum channel_type type)
{
	if (!address_message(out, front, member->crew, type))
		return false;
	out->count = member->place;
	return true;
}

static void tell_member(struct front *front, const struct member *member)
{
	struct channel_message message;

	if (!address_member(&message, front, member, CHANNEL_MEMBER))
		return;
	message.status = member->child->pid;
	front_lend(front, &message, member->fd);
}

void crew_tell_member(const struct member *member)
{
	list_for_each(at, next, &member->crew->keeper->fronts) {
		struct front *front = container_of(at, struct front, link);

		if (front_counts(front))
			tell_member(front, member);
	}
}

void crew_tell_member_again(struct front *front, const struct crew *crew, unsigned place)
{
	list_for_each(at, next, &crew->members) {
		const struct member *member = container_of(at, struct member, link);

		if (member->place == place && member->state == MEMBER_READY && member->fd >= 0)
			tell_member(front, member);
	}
}

void crew_tell_gone(const struct member *member, int status)
{
	list_for_each(at, next, &member->crew->keeper->fronts) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message;

		if (!address_member(&message, front, member, CHANNEL_MEMBER_GONE))
			continue;
		message.status = status;
		front_send(front, &message, -1);
	}
}

static void tell_leave(struct front *front, struct crew *crew)
{
	list_for_each(at, next, &crew->members) {
		struct member *member = container_of(at, struct member, link);
		struct channel_message message;

		if (member->state != MEMBER_READY ||
		    !address_member(&message, front, member, CHANNEL_LEAVE))
			continue;
		member->leaving = true;
		front_send(front, &message, -1);
	}
}

void crews_tell_leave(struct keeper *keeper, const struct generation *next)
{
	list_for_each(at, following, &keeper->crews) {
		struct crew *crew = container_of(at, struct crew, link);

		if (crew->state == CREW_OPEN && crew->passes && !generation_names(next, crew))
			tell_leave(keeper->front, crew);
	}
}

void crews_take_back_leave(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->crews) {
		struct crew *crew = container_of(at, struct crew, link);

		if (crew->state != CREW_OPEN)
			continue;
		list_for_each(of, following, &crew->members)
			container_of(of, struct member, link)->leaving = false;
	}
}

static bool is_born_with(const struct generation *generation, const struct member *member)
{
	return member->state == MEMBER_READY && member->fd >= 0 &&
	       generation_names(generation, member->crew);
}

static void describe_crew(struct birth_crew *out, const struct crew *crew)
{
	*out = (struct birth_crew){
		.ready = crew->n_ready,
		.may_grow = crew_may_grow(crew),
		.table = crew->table,
	};
}

int crews_birth(const struct keeper *keeper, const struct generation *generation,
		struct birth_crew **out_crews, struct birth_member **out_members, size_t *out_n)
{
	size_t n = 0;

	*out_crews = calloc(generation->n_slots + 1, sizeof(**out_crews));
	*out_members = calloc(children_count(&keeper->children) + 1, sizeof(**out_members));
	if (!*out_crews || !*out_members)
		return -ENOMEM;
	for (size_t i = 0; i < generation->n_slots; i++)
		if (generation->crews[i])
			describe_crew(&(*out_crews)[i], generation->crews[i]);
	for (const struct child *at = keeper->children.by_pid; at; at = at->hh.next) {
		const struct member *member = at->member;

		if (!member || !is_born_with(generation, member))
			continue;
		(*out_members)[n++] = (struct birth_member){
			.service = (size_t)generation_service(generation, member->crew->slot),
			.place = member->place,
			.pid = at->pid,
			.fd = member->fd,
		};
	}
	*out_n = n;
	return 0;
}

void crews_abandon(const struct keeper *keeper, const struct generation *generation)
{
	for (const struct child *at = keeper->children.by_pid; at; at = at->hh.next)
		if (at->member && at->member->fd >= 0 && !is_born_with(generation, at->member))
			close(at->member->fd);
	if (keeper->ready.fd >= 0)
		close(keeper->ready.fd);
}
