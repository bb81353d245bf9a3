#include "config/named-sets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/answers.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/secret-memory.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build-context.h"
#include "config/file.h"
#include "config/set-builder.h"

/* With the files of the configuration this is less than answers.h has room for. */
#define BYTES_MAX (48 << 20)

/* How many sets may stand one in another. */
#define DEPTH_MAX 32

struct named_set {
	char *name;
	char *subject; /* "set 'office'" */
	struct set_draft draft;
	struct set_builder builder; /* the members that it has without other sets */
	struct named_set **others;
	size_t n_others;
	size_t others_room;
	unsigned depth; /* how many sets stand one in another, with this one */
	size_t round;   /* the last one in which its members were gathered */
	enum {
		SET_WRITTEN,
		SET_IN_WORK, /* its members are being collected */
		SET_COLLECTED,
	} state;
	bool used;
	struct client_set *built; /* owned by the settings; NULL: there were errors */
	UT_hash_handle hh;
};

static void free_set(struct named_set *set)
{
	if (!set)
		return;
	set_builder_fini(&set->builder);
	free(set->others);
	free(set->subject);
	free(set->name);
	free(set);
}

DEFINE_AUTO(struct named_set, free_set);

void named_sets_fini(struct named_sets *sets)
{
	struct named_set *at, *following;

	HASH_ITER(hh, sets->table, at, following)
	{
		HASH_DEL(sets->table, at);
		free_set(at);
	}
}

int named_sets_add(struct named_sets *sets, const char *name, const struct set_draft *draft,
		   struct location *out_earlier)
{
	AUTO(auto_free_set) struct named_set *set = NULL;
	struct named_set *earlier;

	HASH_FIND_STR(sets->table, name, earlier);
	if (earlier) {
		*out_earlier = earlier->draft.location;
		return -EEXIST;
	}
	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->draft = *draft;
	set->name = strdup(name);
	if (!set->name || asprintf(&set->subject, "set '%s'", name) < 0) {
		set->subject = NULL;
		return -ENOMEM;
	}
	HASH_ADD_KEYPTR(hh, sets->table, set->name, strlen(set->name), set);
	if (!set->hh.tbl)
		return -ENOMEM;
	(void)take_ptr(set);
	return 0;
}

/* Files */

/* Keeps the name of a file as long as the settings, since members point to it. */
static const char *keep_name(struct settings *settings, const char *path)
{
	char *copy;

	if (array_make_room(settings->set_files, settings->n_set_files, settings->set_files_room) <
	    0)
		return NULL;
	copy = strdup(path);
	if (copy)
		settings->set_files[settings->n_set_files++] = copy;
	return copy;
}

static void warn_if_open(struct build_context *context, const char *path, const struct stat *status)
{
	if (context->privileged && file_is_open_to_others(status, 0))
		errors_warn(context->errors, (struct location){ path, 0 },
			    "others than root may write this file (chown root, chmod go-w)");
}

/* The keeper takes what the rehearsal has read. */
static int take_text(const char *path, char **out_text)
{
	const void *text;
	size_t size;
	int r;

	r = answers_take('S', path, &text, &size);
	if (r != 0)
		return r;
	*out_text = strndup(text, size);
	return *out_text ? 0 : -ENOMEM;
}

/* Copies what was read, unless it is no text: behind a zero byte entries would be missed. */
static int copy_text(char **out, const char *text, size_t length, const char **out_why)
{
	if (memchr(text, '\0', length)) {
		*out_why = "it holds a zero byte, so it is not text";
		return -EINVAL;
	}
	*out = strndup(text, length);
	return *out ? 0 : -ENOMEM;
}

static int check_total(struct named_sets *sets, size_t length, const char **out_why)
{
	if (length > BYTES_MAX - sets->n_bytes) {
		*out_why = "the files of all sets together are larger than 48 MiB";
		return -EINVAL;
	}
	sets->n_bytes += length;
	return 0;
}

/*
 * @path must live as long as the errors. Returns 0, or a negative errno with the reason in
 * @out_why.
 */
static int read_text(struct build_context *context, const char *path, char **out_text,
		     const char **out_why)
{
	struct stat status;
	char *text = NULL;
	size_t length;
	int r;

	*out_why = "cannot read";
	r = take_text(path, out_text);
	if (r <= 0)
		return r;
	r = file_read(&text, &length, &status, path, out_why);
	if (r < 0)
		return r;
	r = check_total(context->sets, length, out_why);
	if (r == 0)
		r = copy_text(out_text, text, length, out_why);
	secret_memory_free(text, file_room(&status));
	if (r < 0)
		return r;
	warn_if_open(context, path, &status);
	answers_keep('S', path, *out_text, length + 1);
	return 0;
}

static void add_file(struct named_set *set, struct build_context *context,
		     const struct value *value)
{
	const char *file = set->draft.at[OPTION_FILES].file;
	struct location at = { file, value->line };
	AUTO(auto_free) char *text = NULL;
	AUTO(auto_free) char *path = NULL;
	const char *why = "out of memory";
	const char *name = NULL;
	int r;

	path = file_path_beside(file, value->text, "");
	r = path ? 0 : -ENOMEM;
	if (r == 0)
		name = keep_name(context->settings, path);
	if (r == 0 && !name)
		r = -ENOMEM;
	if (r == 0)
		r = read_text(context, name, &text, &why);
	if (r == 0)
		set_builder_add_lines(&set->builder, text, name);
	else if (r == -EINVAL)
		errors_add(context->errors, at, "%s: '%s': %s", set->subject,
			   errors_quote(value->text), why);
	else
		errors_add(context->errors, at, "%s: '%s': %s: %s", set->subject,
			   errors_quote(value->text), why, strerror(-r));
}

/* Members */

/* To compare a name with those of all sets takes long, and more errors are hardly read. */
#define HINTS_MAX 100

static void say_unknown(const struct named_sets *sets, struct errors *errors, const char *name,
			const char *subject, struct location at)
{
	size_t n = HASH_COUNT(sets->table);
	AUTO(auto_free) const char **names = calloc(n + 1, sizeof(*names));
	struct named_set *set, *following;
	size_t i = 0;
	int nearest;

	if (names && errors->n < HINTS_MAX)
		HASH_ITER(hh, sets->table, set, following)
	names[i++] = set->name;
	nearest = names ? text_nearest(name, names) : -1;
	if (nearest >= 0)
		errors_add(errors, at, "%s: there is no set '%s'; did you mean '@%s'?", subject,
			   errors_quote(name), names[nearest]);
	else
		errors_add(errors, at,
			   "%s: there is no set '%s'; write 'set \"%s\" { addresses = {...} }'",
			   subject, errors_quote(name), errors_quote(name));
}

static struct named_set *find(const struct named_sets *sets, struct errors *errors,
			      const char *name, const char *subject, struct location at)
{
	struct named_set *set;

	HASH_FIND_STR(sets->table, name, set);
	if (set)
		set->used = true;
	else
		say_unknown(sets, errors, name, subject, at);
	return set;
}

static void collect(struct named_sets *sets, struct build_context *context, struct named_set *set,
		    unsigned outer);

/* @outer: how many sets stand around @set. */
static void add_other(struct named_sets *sets, struct build_context *context, struct named_set *set,
		      const char *name, struct location at, unsigned outer)
{
	struct named_set *other = find(sets, context->errors, name, set->subject, at);

	if (!other)
		return;
	if (other->state == SET_IN_WORK) {
		errors_add(context->errors, at, "%s: '@%s' leads back to this set", set->subject,
			   errors_quote(name));
		return;
	}
	if (outer + 1 < DEPTH_MAX)
		collect(sets, context, other, outer + 1);
	if (outer + 1 >= DEPTH_MAX || other->depth >= DEPTH_MAX) {
		errors_add(context->errors, at,
			   "%s: with '@%s' more than %d sets stand one in another; name the inner "
			   "ones where they are used",
			   set->subject, errors_quote(name), DEPTH_MAX);
		return;
	}
	if (other->depth >= set->depth)
		set->depth = other->depth + 1;
	if (array_make_room(set->others, set->n_others, set->others_room) < 0)
		set->builder.short_of_memory = true;
	else
		set->others[set->n_others++] = other;
}

static void collect(struct named_sets *sets, struct build_context *context, struct named_set *set,
		    unsigned outer)
{
	const struct set_draft *draft = &set->draft;

	if (set->state != SET_WRITTEN)
		return;
	set->state = SET_IN_WORK;
	set->depth = 1;
	set->builder.errors = context->errors;
	set->builder.accounts = &context->accounts;
	set->builder.subject = set->subject;
	for (size_t i = 0; i < draft->addresses.n; i++) {
		const struct value *value = &draft->addresses.list[i];
		struct location at = { draft->at[OPTION_ADDRESSES].file, value->line };

		if (value->text[0] == '@')
			add_other(sets, context, set, value->text + 1, at, outer);
		else
			set_builder_add(&set->builder, value->text, at);
	}
	for (size_t i = 0; i < draft->files.n; i++)
		add_file(set, context, &draft->files.list[i]);
	set->state = SET_COLLECTED;
}

/* Adds the members of @set and of all sets in it, each once however many ways lead to it. */
static void gather(struct set_builder *all, struct named_set *set, size_t round)
{
	if (set->round == round)
		return;
	set->round = round;
	set_builder_add_set(all, &set->builder);
	for (size_t i = 0; i < set->n_others; i++)
		gather(all, set->others[i], round);
}

static int finish(struct named_set *set, size_t round, struct client_set *built)
{
	struct set_builder all = { 0 };
	int r;

	if (set->n_others == 0)
		return set_builder_finish(&set->builder, built);
	gather(&all, set, round);
	r = set_builder_finish(&all, built);
	set_builder_fini(&all);
	return r;
}

static void build(struct build_context *context, struct named_set *set, size_t round)
{
	struct client_set *built = settings_add_set(context->settings, set->name);

	if (built && finish(set, round, built) == 0)
		set->built = built;
	else
		errors_add(context->errors, set->draft.location, "out of memory");
}

void named_sets_build(struct named_sets *sets, struct build_context *context)
{
	struct named_set *set, *following;
	size_t round = 0;

	HASH_ITER(hh, sets->table, set, following)
	{
		const struct set_draft *draft = &set->draft;

		collect(sets, context, set, 0);
		build(context, set, ++round);
		if (!draft->unsure && !draft->own[OPTION_ADDRESSES] && !draft->own[OPTION_FILES] &&
		    !draft->bad[OPTION_ADDRESSES] && !draft->bad[OPTION_FILES])
			errors_add(context->errors, draft->location,
				   "%s needs 'addresses' or 'files'", set->subject);
	}
}

const struct client_set *named_sets_use(struct named_sets *sets, struct build_context *context,
					const char *name, const char *subject, struct location at)
{
	struct named_set *set = find(sets, context->errors, name, subject, at);

	return set ? set->built : NULL;
}

void named_sets_check(const struct named_sets *sets, struct errors *errors)
{
	struct named_set *set, *following;

	HASH_ITER(hh, sets->table, set, following)
	if (!set->used)
		errors_warn(errors, set->draft.location, "%s is used by no service", set->subject);
}
