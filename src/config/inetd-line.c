#include "config/inetd-line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/token.h"

#define SECTION_MAX 512
#define FIELDS_MAX 20

/* The fields of a line, in their order. */
enum {
	NAME,
	TYPE,
	PROTOCOL,
	WAIT,
	USER,
	PROGRAM,
	ARGV0,
	ARGUMENTS,
};

static size_t read_fields(const struct token *first, struct token fields[FIELDS_MAX])
{
	struct token token = *first;
	size_t n = 0;

	while (token.length > 0 && token.line == first->line && n < FIELDS_MAX) {
		fields[n++] = token;
		(void)token_after(&token, &token);
	}
	return n;
}

static bool is_type(const struct token *token)
{
	static const char *const types[] = { "stream", "dgram", "raw", "rdm", "seqpacket" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (token_is(token, types[i]))
			return true;
	return false;
}

static bool begins_with(const struct token *token, const char *text)
{
	return token->length >= strlen(text) && strncmp(token->text, text, strlen(text)) == 0;
}

/* What the endpoint begins with. With a Unix socket the name of the service is its path. */
static const char *scheme(const struct token *fields)
{
	static const char *const families[] = { "tcp4", "tcp6", "udp4", "udp6" };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (token_is(&fields[PROTOCOL], families[i]))
			return families[i];
	if (begins_with(&fields[PROTOCOL], "unix"))
		return token_is(&fields[TYPE], "dgram") ? "unix-dgram" : "unix";
	if (begins_with(&fields[PROTOCOL], "udp") || token_is(&fields[TYPE], "dgram"))
		return "udp";
	return "tcp";
}

/* It may be followed by how many programs inetd starts in a minute. */
static bool is_wait(const struct token *token)
{
	return begins_with(token, "wait") || begins_with(token, "nowait");
}

/* What follows the last @separator, or all of it. */
static struct token after_last(struct token text, char separator)
{
	const char *last = memrchr(text.text, separator, text.length);

	if (last) {
		text.length -= last + 1 - text.text;
		text.text = last + 1;
	}
	return text;
}

/* How many of the characters are before the next separator. */
static size_t field_part(const char *text, size_t length)
{
	size_t end = strcspn(text, ".:/");

	return end < length ? end : length;
}

/* "user", "user:group" or "user.group", and perhaps "/" and a class of logins. */
static void write_user(FILE *stream, const struct token *field)
{
	struct token user = *field;
	struct token group = *field;

	user.length = field_part(field->text, field->length);
	fprintf(stream, "  user = %s", token_quote(&user));
	if (user.length == field->length || field->text[user.length] == '/')
		return;
	group.text += user.length + 1;
	group.length -= user.length + 1;
	group.length = field_part(group.text, group.length);
	if (group.length > 0)
		fprintf(stream, "  group = %s", token_quote(&group));
}

static void write_program(FILE *stream, const struct token *fields, size_t n)
{
	struct token base = after_last(fields[PROGRAM], '/');
	bool renamed = n > ARGV0 && (fields[ARGV0].length != base.length ||
				     strncmp(fields[ARGV0].text, base.text, base.length) != 0);

	fprintf(stream, "  exec = {\"%s\"", token_quote(&fields[PROGRAM]));
	for (size_t i = ARGUMENTS; i < n; i++)
		fprintf(stream, ", \"%s\"", token_quote(&fields[i]));
	fputs("}", stream);
	if (renamed)
		fprintf(stream, "  argv0 = \"%s\"", token_quote(&fields[ARGV0]));
	write_user(stream, &fields[USER]);
	if (begins_with(&fields[WAIT], "wait"))
		fputs("  dispatch = wait", stream);
}

const char *inetd_line_as_section(const struct token *token)
{
	static char section[SECTION_MAX];
	struct token fields[FIELDS_MAX];
	size_t n = read_fields(token, fields);
	struct token name;
	FILE *stream;

	/* A section may be in one line, and its name one of the types. */
	if (n <= PROGRAM || !is_type(&fields[TYPE]) || !is_wait(&fields[WAIT]))
		return NULL;
	stream = fmemopen(section, sizeof(section), "w");
	if (!stream)
		return NULL;
	name = after_last(fields[NAME], '/');
	fprintf(stream, "service \"%s\"", token_quote(&name));
	fprintf(stream, " { listen = {\"%s:%s\"}", scheme(fields), token_quote(&fields[NAME]));
	name = after_last(fields[NAME], ':');
	if (token_is(&fields[PROGRAM], "internal"))
		fprintf(stream, "  builtin = %s", token_quote(&name));
	else
		write_program(stream, fields, n);
	fputs(" }", stream);
	fclose(stream);
	section[sizeof(section) - 1] = '\0';
	return section;
}
