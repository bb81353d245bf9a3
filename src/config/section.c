#include "config/section.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/decode.h"
#include "config/foreign-words.h"
#include "config/schema.h"
#include "config/syntax.h"

/* Begins the message with "service 'x': ", but not at top level. */
static void option_error(const struct section *section, int line, const char *message)
{
	struct location at = { section->file, line };

	if (section->kind == SECTION_ROOT)
		errors_add(section->errors, at, "%s", message);
	else
		errors_add(section->errors, at, "%s: %s", section->subject, message);
}

static const char *home_of(const struct option *option)
{
	if (option->where & SECTION_ROOT)
		return "outside of all sections";
	if (option->where & SECTION_DEFAULTS)
		return "in a service or in 'defaults'";
	if (option->where & SECTION_SET)
		return "in a set";
	return "in a service";
}

static void unknown(const struct section *section, const struct token *name)
{
	struct location at = { section->file, name->line };
	const char *quoted = errors_quote_part(name->text, name->length);
	const char *where = section->kind == SECTION_ROOT ? "at" : "in";
	const char *instead, *nearest, *elsewhere;
	char word[64];

	if (!token_plain(name, word, sizeof(word)))
		word[0] = '\0';
	instead = foreign_option(word);
	nearest = schema_nearest(word, section->kind);
	elsewhere = schema_nearest(word, SECTION_ROOT | SECTION_SERVICE | SECTION_SET);
	if (!instead && !nearest && !elsewhere)
		instead = foreign_option_nearest(word);
	if (section->kind == SECTION_SET && nearest)
		instead = NULL;
	if (instead)
		errors_add(section->errors, at, "unknown option '%s' %s %s; %s", quoted, where,
			   section->subject, instead);
	else if (nearest)
		errors_add(section->errors, at, "unknown option '%s' %s %s; did you mean '%s'?",
			   quoted, where, section->subject, nearest);
	else if (elsewhere)
		errors_add(section->errors, at,
			   "unknown option '%s' %s %s; did you mean '%s', which stands %s?", quoted,
			   where, section->subject, elsewhere,
			   home_of(&schema_options[schema_find(elsewhere, strlen(elsewhere))]));
	else
		errors_add(section->errors, at, "unknown option '%s' %s %s", quoted, where,
			   section->subject);
}

/* Returns the number of the option, or adds an error and returns -1 if it may not stand here. */
static int admit(const struct section *section, const struct assignment *assignment)
{
	const struct token *name = &assignment->name;
	int number = schema_find(name->text, name->length);
	const struct option *option = &schema_options[number < 0 ? 0 : number];
	char message[256];

	if (number < 0) {
		unknown(section, name);
		return -1;
	}
	if (section->kind != SECTION_ROOT && option->where == SECTION_ROOT && option->instead)
		snprintf(message, sizeof(message),
			 "'%s' can only stand %s; in a service, write '%s'", option->name,
			 home_of(option), option->instead);
	else if (!(option->where & section->kind))
		snprintf(message, sizeof(message), "'%s' can only stand %s", option->name,
			 home_of(option));
	else if (section->own[number] && !option->everywhere)
		snprintf(message, sizeof(message), "'%s' is set already (%s:%d)", option->name,
			 section->at[number].file, section->at[number].line);
	else if (assignment->is_list && !option->parse_list)
		snprintf(message, sizeof(message), "'%s' takes %s, not a list", option->name,
			 option_takes(option));
	else
		return number;

	section->bad[number] = option->where & section->kind && !section->own[number];
	option_error(section, name->line, message);
	return -1;
}

static void store(const struct section *section, int number, const struct values *values)
{
	const struct option *option = &schema_options[number];
	void *field = (char *)section->fields + option->field.offset;
	const struct value *bad = NULL;
	char message[512];

	if (option->parse_list)
		bad = option->parse_list(option, values, field);
	else if (!option->parse(option, values->list->text, field))
		bad = values->list;
	if (!bad)
		return;

	/* Errors about the default value would only confuse. */
	section->own[number] = false;
	section->bad[number] = true;
	snprintf(message, sizeof(message), "'%s' takes %s, not '%s'", option->name,
		 option_takes(option), errors_quote(bad->text));
	option_error(section, bad->line ? bad->line : section->at[number].line, message);
}

/* Returns whether all options are known. */
static bool admit_all(const struct section *section, struct statement *statement)
{
	bool known = true;

	for (size_t i = 0; i < statement->n_assignments; i++) {
		struct assignment *assignment = &statement->assignments[i];
		int number = admit(section, assignment);

		assignment->option = number;
		known &= number >= 0 ||
			 schema_find(assignment->name.text, assignment->name.length) >= 0;
		if (number < 0)
			continue;
		section->own[number] = true;
		section->at[number] = (struct location){ section->file, assignment->name.line };
	}
	return known;
}

bool section_read(const struct section *section, struct statement *statement)
{
	struct value *values;
	bool known;
	int r;

	if (statement->n_assignments == 0)
		return true;
	known = admit_all(section, statement);
	r = decoder_run(section->decoder, statement, section->arena, &values);
	if (r < 0) {
		option_error(section, statement->assignments[0].name.line,
			     r == -ENOMEM ? "out of memory" : "the values cannot be understood");
		return false;
	}

	for (size_t i = 0; i < statement->n_assignments; i++) {
		const struct assignment *assignment = &statement->assignments[i];
		struct values of = { values + assignment->first, assignment->n_values };

		if (assignment->option >= 0)
			store(section, assignment->option, &of);
	}
	return known;
}
