#include "config/section.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/decode.h"

/* "service 'x': " before what is said about an option; nothing at top level. */
static void option_error(const struct section_reader *reader, const struct section *section,
			 int line, const char *message)
{
	struct location at = { section->file, line };

	if (section->kind == SECTION_ROOT)
		errors_add(reader->errors, at, "%s", message);
	else
		errors_add(reader->errors, at, "%s: %s", section->subject, message);
}

static void unknown(const struct section_reader *reader, const struct section *section,
		    const struct token *name)
{
	struct location at = { section->file, name->line };
	const char *quoted = errors_quote_part(name->text, name->length);
	const char *where = section->kind == SECTION_ROOT ? "at" : "in";
	const char *nearest;
	char word[64];

	if (!token_plain(name, word, sizeof(word)))
		word[0] = '\0';
	nearest = schema_nearest(word, section->kind);
	if (nearest)
		errors_add(reader->errors, at, "unknown option '%s' %s %s; did you mean '%s'?",
			   quoted, where, section->subject, nearest);
	else
		errors_add(reader->errors, at, "unknown option '%s' %s %s", quoted, where,
			   section->subject);
}

static const char *home_of(const struct option *option)
{
	if (option->where & SECTION_ROOT)
		return "outside of all sections";
	if (option->where & SECTION_DEFAULTS)
		return "in a service or in 'defaults'";
	return "in a service";
}

/* Returns the number of the option if it may stand here, else -1 after saying why not. */
static int admit(const struct section_reader *reader, const struct section *section,
		 const struct assignment *assignment)
{
	const struct token *name = &assignment->name;
	int number = schema_find(name->text, name->length);
	const struct option *option = &schema_options[number < 0 ? 0 : number];
	char message[256];

	if (number < 0) {
		unknown(reader, section, name);
		return -1;
	}
	if (section->kind != SECTION_ROOT && number == OPTION_WORKERS)
		snprintf(message, sizeof(message),
			 "'workers' can only stand %s; in a service, write 'shards'",
			 home_of(option));
	else if (!(option->where & section->kind))
		snprintf(message, sizeof(message), "'%s' can only stand %s", option->name,
			 home_of(option));
	else if (section->own[number] && number != OPTION_INCLUDE)
		snprintf(message, sizeof(message), "'%s' is set already (%s:%d)", option->name,
			 section->at[number].file, section->at[number].line);
	else if (assignment->is_list && !option->is_list)
		snprintf(message, sizeof(message), "'%s' takes %s, not a list", option->name,
			 option->takes);
	else
		return number;

	option_error(reader, section, name->line, message);
	return -1;
}

static void store(const struct section_reader *reader, const struct section *section, int number,
		  const struct values *values)
{
	const struct option *option = &schema_options[number];
	const struct value *bad = option->parse(values, (char *)section->fields + option->offset);
	char message[512];

	if (!bad)
		return;

	/* Nothing more is to be said about what the default would have been. */
	section->own[number] = false;
	snprintf(message, sizeof(message), "'%s' takes %s, not '%s'", option->name, option->takes,
		 errors_quote(bad->text));
	option_error(reader, section, bad->line ? bad->line : section->at[number].line, message);
}

void section_read(const struct section_reader *reader, const struct section *section,
		  struct statement *statement)
{
	struct value *values;
	int r;

	for (size_t i = 0; i < statement->n_assignments; i++) {
		struct assignment *assignment = &statement->assignments[i];
		int number = admit(reader, section, assignment);

		assignment->refused = number < 0;
		if (assignment->refused)
			continue;
		section->own[number] = true;
		section->at[number] = (struct location){ section->file, assignment->name.line };
	}
	statement_drop_refused(statement);
	if (statement->n_assignments == 0)
		return;

	r = decoder_run(reader->decoder, statement, reader->arena, &values);
	if (r < 0) {
		option_error(reader, section, statement->assignments[0].name.line,
			     r == -ENOMEM ? "out of memory" : "the values cannot be understood");
		return;
	}

	for (size_t i = 0; i < statement->n_assignments; i++) {
		const struct assignment *assignment = &statement->assignments[i];
		struct values of = { values + assignment->first, assignment->n_values };

		store(reader, section, schema_find(assignment->name.text, assignment->name.length),
		      &of);
	}
}
