#pragma once

/* Collects the members of a struct client_set, from text. */

#include "config/client-set.h"
#include "config/errors.h"

struct accounts;

struct set_builder {
	struct errors *errors;
	struct accounts *accounts;
	const char *subject; /* for messages: "set 'office'" */

	struct address_range *ranges;
	size_t n_ranges;
	size_t ranges_room;
	struct id_member *users;
	size_t n_users;
	size_t users_room;
	struct id_member *groups;
	size_t n_groups;
	size_t groups_room;
	struct member_place *places;
	size_t n_places;
	size_t places_room;
	bool short_of_memory;
};

/* Adds the member @text, or an error at @at. The file of @at must live as long as the set. */
void set_builder_add(struct set_builder *builder, const char *text, struct location at);

/* Adds one member from each line of @text, a file. Blanks and comments are left out. */
void set_builder_add_lines(struct set_builder *builder, char *text, const char *file);

/* Adds the members of @other. */
void set_builder_add_set(struct set_builder *builder, const struct set_builder *other);

/* Makes the set. Returns 0 or -ENOMEM. The members stay in @builder. */
int set_builder_finish(struct set_builder *builder, struct client_set *out);
void set_builder_fini(struct set_builder *builder);
