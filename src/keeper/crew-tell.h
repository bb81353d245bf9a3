#pragma once

/* What the fronts are told about crews, each in the numbers of its own generation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct birth_crew;
struct birth_member;
struct crew;
struct front;
struct generation;
struct keeper;
struct member;

/* The crew of service number @service of @front, or NULL. */
struct crew *crew_of_front(const struct front *front, uint32_t service);

/* Whether @crew serves a service of @generation. */
bool generation_names(const struct generation *generation, const struct crew *crew);

/* Whether some front knows of @crew. */
bool crew_is_known(const struct crew *crew);

/* CHANNEL_CREW, to the fronts that take clients. */
void crew_tell(struct crew *crew);

/* CHANNEL_MEMBER, to the same. */
void crew_tell_member(const struct member *member);

/* Once more for one of them, if there is still somebody ready at @place. */
void crew_tell_member_again(struct front *front, const struct crew *crew, unsigned place);

/* CHANNEL_MEMBER_GONE, to every front that knew it. */
void crew_tell_gone(const struct member *member, int status);

/* CHANNEL_LEAVE for the children that have no place in @next. */
void crews_tell_leave(struct keeper *keeper, const struct generation *next);

/* They stay after all: the front was told to go on. */
void crews_take_back_leave(struct keeper *keeper);

/*
 * The crews and members of a front that is to be forked for @generation. Both arrays are the
 * caller's to free, on failure too. Returns 0 or -ENOMEM.
 */
int crews_birth(const struct keeper *keeper, const struct generation *generation,
		struct birth_crew **out_crews, struct birth_member **out_members, size_t *out_n);

/* In a process that will be a front for @generation: closes the sockets that are not for it. */
void crews_abandon(const struct keeper *keeper, const struct generation *generation);
