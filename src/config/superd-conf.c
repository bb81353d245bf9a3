#include "config/superd-conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/arena.h"
#include "config/foreign-words.h"
#include "config/schema.h"
#include "config/section.h"
#include "config/sources.h"

#define NAME_MAX_OF_SECTION 63

/* What cannot be a name is shown in messages nevertheless. */
#define NAME_SHOWN_MAX 199

void superd_conf_fini(struct superd_conf *conf)
{
	service_names_fini(&conf->names);
	named_sets_fini(&conf->sets);
}

/* Returns whether every line was understood. */
static bool read_section(struct superd_conf *conf, struct section section,
			 struct statement *statement)
{
	section.errors = conf->errors;
	section.arena = conf->arena;
	section.decoder = conf->decoder;
	return section_read(&section, statement) && !statement->broken;
}

/* The sections, as text_nearest() takes them. */
enum {
	KIND_SERVICE,
	KIND_DEFAULTS,
	KIND_SET,
};

static const char *const kinds[] = { "service", "defaults", "set", NULL };

/* The section that the keyword means, even if it is misspelt, or -1. */
static int kind_of(const struct token *keyword)
{
	char word[64];

	if (!token_plain(keyword, word, sizeof(word)) || foreign_section(word))
		return -1;
	return text_nearest(word, kinds);
}

/* Adds an error unless the keyword is right. */
static void check_keyword(struct superd_conf *conf, const struct token *keyword)
{
	struct location at = { conf->files[conf->file], keyword->line };
	const char *quoted = token_quote(keyword);
	int kind = kind_of(keyword);
	const char *instead = NULL;
	char word[64];

	if (kind >= 0 && token_is(keyword, kinds[kind]))
		return;
	if (token_plain(keyword, word, sizeof(word)))
		instead = foreign_section(word);
	if (instead)
		errors_add(conf->errors, at, "unknown section '%s'; %s", quoted, instead);
	else if (kind >= 0)
		errors_add(conf->errors, at, "unknown section '%s'; did you mean '%s'?", quoted,
			   kinds[kind]);
	else
		errors_add(conf->errors, at,
			   "unknown section '%s'; there are 'service', 'defaults' and 'set'",
			   quoted);
}

static void enable(struct superd_conf *conf, const char *file)
{
	const struct values *names = &conf->root.enable;

	for (size_t i = 0; i < names->n; i++) {
		struct location at = { file, names->list[i].line };

		if (service_names_enable(&conf->names, names->list[i].text, at) < 0)
			errors_add(conf->errors, at, "out of memory");
	}
	conf->root.enable.n = 0;
}

static void read_root(struct superd_conf *conf, size_t number, struct statement *statement)
{
	const char *file = conf->files[number];
	const struct token *name = &statement->assignments[0].name;
	int option = schema_find(name->text, name->length);
	bool is_root = option >= 0 && schema_options[option].where & SECTION_ROOT;
	struct section section = {
		.kind = SECTION_ROOT,
		.file = file,
		.subject = "top level",
		.fields = &conf->root,
		.at = conf->root.at,
		.own = conf->root.own,
		.bad = conf->root.bad,
	};

	if (is_root && !schema_options[option].everywhere && number > 0)
		errors_add(conf->errors, (struct location){ file, name->line },
			   "'%s' can only stand in the main file", schema_options[option].name);
	else
		(void)read_section(conf, section, statement);
	enable(conf, file);
}

static void read_defaults(struct superd_conf *conf, const char *file, struct statement *statement)
{
	struct draft *defaults = &conf->defaults;
	struct location at = { file, statement->keyword.line };
	struct section section = {
		.kind = SECTION_DEFAULTS,
		.file = file,
		.subject = "'defaults'",
		.fields = defaults,
		.at = defaults->at,
		.own = defaults->own,
		.bad = defaults->bad,
	};
	size_t found = conf->errors->n;

	if (statement->title.length)
		errors_add(conf->errors, at, "'defaults' takes no name");
	if (defaults->location.line) {
		errors_add(conf->errors, at, "'defaults' stands already at %s:%d",
			   defaults->location.file, defaults->location.line);
		return;
	}
	defaults->location = at;
	defaults->defaults_unsure |= !read_section(conf, section, statement) ||
				     conf->errors->n > found;
}

/* Copies the name of a @kind to @out. Adds an error about it if it cannot be a name. */
static int take_name(struct superd_conf *conf, const char *kind, struct location at,
		     const struct token *title, char out[static NAME_MAX_OF_SECTION + 1])
{
	bool good;

	if (title->length == 0) {
		errors_add(conf->errors, at, "a %s needs a name: %s \"NAME\" { ... }", kind, kind);
		return -EINVAL;
	}
	if (token_is_reported(title))
		return -EINVAL;

	good = token_plain(title, out, NAME_MAX_OF_SECTION + 1) && out[0];
	for (const char *c = out; good && *c; c++)
		good = isgraph((unsigned char)*c) && !strchr("\"'/\\", *c);
	if (good)
		return 0;
	errors_add(conf->errors, at,
		   "'%s' cannot be the name of a %s: a name has 1 to %d printable characters "
		   "without spaces, quotes, '/' and '\\'",
		   token_quote(title), kind, NAME_MAX_OF_SECTION);
	return -EINVAL;
}

static void read_set(struct superd_conf *conf, const char *file, struct statement *statement)
{
	char name[NAME_MAX_OF_SECTION + 1];
	char subject[sizeof(name) + sizeof("set ''")];
	struct set_draft draft = { .location = { file, statement->keyword.line } };
	struct section section = {
		.kind = SECTION_SET,
		.file = file,
		.subject = subject,
		.fields = &draft,
		.at = draft.at,
		.own = draft.own,
		.bad = draft.bad,
	};
	struct location earlier;
	int r;

	if (take_name(conf, "set", draft.location, &statement->title, name) < 0)
		return;
	snprintf(subject, sizeof(subject), "set '%s'", name);
	draft.unsure = !read_section(conf, section, statement);
	r = named_sets_add(&conf->sets, name, &draft, &earlier);
	if (r == -EEXIST)
		errors_add(conf->errors, draft.location, "%s is defined already (%s:%d)", subject,
			   earlier.file, earlier.line);
	else if (r < 0)
		errors_add(conf->errors, draft.location, "out of memory");
}

void superd_conf_read_common(struct superd_conf *conf)
{
	conf->root = draft_root;
	conf->defaults = draft_defaults;
	for (size_t i = 0; i < conf->sources->n; i++) {
		struct statement *statement;
		struct syntax syntax;

		conf->defaults.defaults_unsure |= !conf->sources->list[i].whole;
		syntax_init(&syntax, conf->sources->list[i].text, conf->files[i], NULL);
		while ((statement = syntax_next(&syntax))) {
			if (statement->keyword.length == 0)
				read_root(conf, i, statement);
			else if (kind_of(&statement->keyword) == KIND_DEFAULTS)
				read_defaults(conf, conf->files[i], statement);
			else if (kind_of(&statement->keyword) == KIND_SET)
				read_set(conf, conf->files[i], statement);
		}
		syntax_fini(&syntax);
	}
}

/* Adds an error if another service has the name. One that is disabled owns none. */
static void define(struct superd_conf *conf, const struct draft *draft)
{
	struct location at = draft->location;
	struct location earlier = { 0 };
	int r;

	if (draft->enabled)
		r = service_names_define(&conf->names, draft->name, at, &earlier);
	else
		r = service_names_mention(&conf->names, draft->name);
	if (r == -EEXIST)
		errors_add(conf->errors, at, "service '%s' is defined already (%s:%d)", draft->name,
			   earlier.file, earlier.line);
	else if (r < 0)
		errors_add(conf->errors, at, "out of memory");
}

/*
 * Names the draft. Returns whether that is a good name, or else adds an error, and the name is for
 * messages only.
 */
static bool name_draft(struct superd_conf *conf, const struct statement *statement,
		       struct draft *draft)
{
	static char name[NAME_SHOWN_MAX + 1];
	const struct token *title = &statement->title;

	draft->name = name;
	if (take_name(conf, "service", draft->location, title, name) == 0)
		return true;
	snprintf(name, sizeof(name), "%s", title->length ? token_quote(title) : "?");
	return false;
}

static void read_service(struct superd_conf *conf, struct statement *statement, struct draft *out)
{
	char subject[NAME_SHOWN_MAX + sizeof("service ''")];
	const char *file = conf->files[conf->file];
	struct section section = {
		.kind = SECTION_SERVICE,
		.file = file,
		.subject = subject,
		.fields = out,
		.at = out->at,
		.own = out->own,
		.bad = out->bad,
	};
	bool named;

	*out = conf->defaults;
	memset(out->own, 0, sizeof(out->own));
	memset(out->bad, 0, sizeof(out->bad));
	out->location = (struct location){ file, statement->keyword.line };
	named = name_draft(conf, statement, out);
	snprintf(subject, sizeof(subject), "service '%s'", out->name);
	out->unsure = !read_section(conf, section, statement);
	if (named) {
		out->enabled |= service_names_is_enabled(&conf->names, out->name);
		define(conf, out);
	}
	if (!out->enabled)
		errors_soften(conf->errors, statement->first_error);
}

/* The next section of all files, or NULL at the end. */
static struct statement *next_section(struct superd_conf *conf)
{
	for (; conf->file < conf->sources->n; conf->file++) {
		struct statement *statement;

		if (!conf->reading)
			syntax_init(&conf->syntax, conf->sources->list[conf->file].text,
				    conf->files[conf->file], conf->errors);
		conf->reading = true;
		while ((statement = syntax_next(&conf->syntax)))
			if (statement->keyword.length > 0)
				return statement;
		syntax_fini(&conf->syntax);
		conf->reading = false;
	}
	return NULL;
}

bool superd_conf_next(struct superd_conf *conf, struct draft *out)
{
	struct statement *statement;

	while ((statement = next_section(conf))) {
		check_keyword(conf, &statement->keyword);
		if (kind_of(&statement->keyword) != KIND_SERVICE)
			continue;
		conf->n_services++;
		read_service(conf, statement, out);
		return true;
	}
	service_names_check(&conf->names, conf->errors);
	return false;
}
