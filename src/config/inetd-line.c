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

/* It may be followed by how many programs inetd starts in a minute. */
static bool is_wait(const struct token *token)
{
	return begins_with(token, "wait") || begins_with(token, "nowait");
}

/* Without the directory in front of it. */
static struct token base_name(struct token path)
{
	const char *slash = memrchr(path.text, '/', path.length);

	if (slash) {
		path.length -= slash + 1 - path.text;
		path.text = slash + 1;
	}
	return path;
}

static void write_program(FILE *stream, const struct token *fields, size_t n)
{
	struct token user = fields[USER];
	struct token base = base_name(fields[PROGRAM]);
	size_t user_end = strcspn(user.text, ".:/ \t\n");
	bool renamed = n > ARGV0 && (fields[ARGV0].length != base.length ||
				     strncmp(fields[ARGV0].text, base.text, base.length) != 0);

	fprintf(stream, "  exec = {\"%s\"", token_quote(&fields[PROGRAM]));
	for (size_t i = ARGUMENTS; i < n; i++)
		fprintf(stream, ", \"%s\"", token_quote(&fields[i]));
	fputs("}", stream);
	if (renamed)
		fprintf(stream, "  argv0 = \"%s\"", token_quote(&fields[ARGV0]));
	if (user_end < user.length)
		user.length = user_end;
	fprintf(stream, "  user = %s", token_quote(&user));
	if (begins_with(&fields[WAIT], "wait"))
		fputs("  dispatch = wait", stream);
}

const char *inetd_line_as_section(const struct token *token)
{
	static char section[SECTION_MAX];
	struct token fields[FIELDS_MAX];
	size_t n = read_fields(token, fields);
	const char *scheme = "tcp";
	FILE *stream;

	/* A section may be in one line, and its name one of the types. */
	if (n <= PROGRAM || !is_type(&fields[TYPE]) || !is_wait(&fields[WAIT]))
		return NULL;
	stream = fmemopen(section, sizeof(section), "w");
	if (!stream)
		return NULL;
	if (begins_with(&fields[PROTOCOL], "udp") || token_is(&fields[TYPE], "dgram"))
		scheme = "udp";
	fprintf(stream, "service \"%s\" { listen = {\"%s:%s\"}", token_quote(&fields[NAME]), scheme,
		token_quote(&fields[NAME]));
	if (token_is(&fields[PROGRAM], "internal"))
		fprintf(stream, "  builtin = %s", token_quote(&fields[NAME]));
	else
		write_program(stream, fields, n);
	fputs(" }", stream);
	fclose(stream);
	section[sizeof(section) - 1] = '\0';
	return section;
}
