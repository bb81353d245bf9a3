#include "config/set-builder.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/account.h"
#include "config/entry-hint.h"

/* Returns the number of the place. */
static uint32_t add_place(struct set_builder *builder, struct location at)
{
	if (array_make_room(builder->places, builder->n_places, builder->places_room) < 0) {
		builder->short_of_memory = true;
		return 0;
	}
	builder->places[builder->n_places] = (struct member_place){ at.file, at.line };
	return (uint32_t)builder->n_places++;
}

static void add_range(struct set_builder *builder, const struct address_range *range)
{
	if (array_make_room(builder->ranges, builder->n_ranges, builder->ranges_room) < 0)
		builder->short_of_memory = true;
	else
		builder->ranges[builder->n_ranges++] = *range;
}

static void add_user(struct set_builder *builder, uint32_t id, uint32_t place)
{
	if (array_make_room(builder->users, builder->n_users, builder->users_room) < 0)
		builder->short_of_memory = true;
	else
		builder->users[builder->n_users++] = (struct id_member){ id, place };
}

static void add_group(struct set_builder *builder, uint32_t id, uint32_t place)
{
	if (array_make_room(builder->groups, builder->n_groups, builder->groups_room) < 0)
		builder->short_of_memory = true;
	else
		builder->groups[builder->n_groups++] = (struct id_member){ id, place };
}

static void add_user_by_name(struct set_builder *builder, const char *name, struct location at)
{
	const struct account *account;

	if (accounts_find_user(builder->accounts, name, &account) < 0)
		errors_add(builder->errors, at, "%s: 'user:%s': no user '%s'", builder->subject,
			   errors_quote(name), errors_quote(name));
	else
		add_user(builder, account->uid, add_place(builder, at));
}

static void add_group_by_name(struct set_builder *builder, const char *name, struct location at)
{
	gid_t gid;

	if (accounts_find_group(builder->accounts, name, &gid) < 0)
		errors_add(builder->errors, at, "%s: 'group:%s': no group '%s'", builder->subject,
			   errors_quote(name), errors_quote(name));
	else
		add_group(builder, gid, add_place(builder, at));
}

/* Whether it looks like the name of a host, or like a pattern of such names. */
static bool is_like_a_name(const char *text)
{
	if (strchr(text, ':'))
		return false;
	for (; *text && *text != '/'; text++)
		if (isalpha((unsigned char)*text))
			return true;
	return false;
}

static void add_addresses(struct set_builder *builder, const char *text, struct location at)
{
	char why[ADDRESS_RANGE_HINT_MAX], hint[ENTRY_HINT_MAX];
	struct address_range range;

	if (strchr(text, ' ') || strchr(text, ',')) {
		errors_add(builder->errors, at,
			   "%s: '%s' is more than one entry; write each in quotes of its own, with "
			   "commas between them",
			   builder->subject, errors_quote(text));
		return;
	}
	if (!address_range_parse(text, &range, why) && entry_hint(text, hint, sizeof(hint))) {
		errors_add(builder->errors, at, "%s: '%s' cannot be understood: %s",
			   builder->subject, errors_quote(text), hint);
		return;
	}
	if (is_like_a_name(text)) {
		errors_add(
			builder->errors, at,
			"%s: '%s' is no address, and names are not looked up while clients wait; "
			"write the address, or use hosts.allow: see tcpd in superd(8)",
			builder->subject, errors_quote(text));
		return;
	}
	if (!address_range_parse(text, &range, why)) {
		errors_add(builder->errors, at, "%s: '%s' cannot be understood: %s",
			   builder->subject, errors_quote(text), why);
		return;
	}
	range.place = add_place(builder, at);
	add_range(builder, &range);
}

static void add(struct set_builder *builder, const char *text, struct location at)
{
	if (strncmp(text, "user:", 5) == 0)
		add_user_by_name(builder, text + 5, at);
	else if (strncmp(text, "group:", 6) == 0)
		add_group_by_name(builder, text + 6, at);
	else
		add_addresses(builder, text, at);
}

/* In a list of single addresses one that ends in 0 is as good as the others. */
void set_builder_add(struct set_builder *builder, const char *text, struct location at)
{
	char network[ENTRY_HINT_MAX];

	if (entry_network(text, network, sizeof(network)))
		errors_warn(builder->errors, at,
			    "%s: '%s' is one address; write '%s' for the network, or '%s/32'",
			    builder->subject, text, network, text);
	add(builder, text, at);
}

void set_builder_add_lines(struct set_builder *builder, char *text, const char *file)
{
	char *next;

	for (int line = 1; text; text = next, line++) {
		char *end;

		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		text[strcspn(text, "#")] = '\0';
		text += strspn(text, " \t\r");
		end = text + strlen(text);
		while (end > text && strchr(" \t\r", end[-1]))
			*--end = '\0';
		if (*text)
			add(builder, text, (struct location){ file, line });
	}
}

void set_builder_add_set(struct set_builder *builder, const struct set_builder *other)
{
	uint32_t first = (uint32_t)builder->n_places;

	builder->short_of_memory |= other->short_of_memory;
	for (size_t i = 0; i < other->n_places; i++)
		(void)add_place(builder,
				(struct location){ other->places[i].file, other->places[i].line });
	for (size_t i = 0; i < other->n_ranges; i++) {
		struct address_range range = other->ranges[i];

		range.place += first;
		add_range(builder, &range);
	}
	for (size_t i = 0; i < other->n_users; i++)
		add_user(builder, other->users[i].id, other->users[i].place + first);
	for (size_t i = 0; i < other->n_groups; i++)
		add_group(builder, other->groups[i].id, other->groups[i].place + first);
}

/* Of equal ids the one that was written first comes first, and is found. */
static int compare_ids(const void *a, const void *b)
{
	const struct id_member *left = a;
	const struct id_member *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->place < right->place ? -1 : left->place > right->place;
}

static int copy_ids(struct id_member **out, const struct id_member *members, size_t n)
{
	if (n == 0)
		return 0;
	*out = reallocarray(NULL, n, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	memcpy(*out, members, n * sizeof(**out));
	qsort(*out, n, sizeof(**out), compare_ids);
	return 0;
}

static int copy_places(struct client_set *out, const struct set_builder *builder)
{
	if (builder->n_places == 0)
		return 0;
	out->places = reallocarray(NULL, builder->n_places, sizeof(*out->places));
	if (!out->places)
		return -ENOMEM;
	memcpy(out->places, builder->places, builder->n_places * sizeof(*out->places));
	return 0;
}

int set_builder_finish(struct set_builder *builder, struct client_set *out)
{
	int r;

	if (builder->short_of_memory)
		return -ENOMEM;
	out->n_users = builder->n_users;
	out->n_groups = builder->n_groups;
	r = copy_ids(&out->users, builder->users, builder->n_users);
	if (r == 0)
		r = copy_ids(&out->groups, builder->groups, builder->n_groups);
	if (r == 0)
		r = copy_places(out, builder);
	if (r == 0)
		r = address_set_new(&out->addresses, builder->ranges, builder->n_ranges);
	return r;
}

void set_builder_fini(struct set_builder *builder)
{
	free(builder->ranges);
	free(builder->users);
	free(builder->groups);
	free(builder->places);
}
