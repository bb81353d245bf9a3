#include "config/hints.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/errors.h"
#include "config/foreign-words.h"
#include "config/schema.h"

#define VALUES_MAX 16

/* More is cut: the rest of the line is like its beginning. */
#define HINT_MAX 512

struct line {
	struct token values[VALUES_MAX];
	size_t n;
};

/* More opening than closing brackets, or less than 0. */
static int open_brackets(const struct token *token)
{
	int open = 0;

	for (size_t i = 0; i < token->length; i++)
		open += (token->text[i] == '[') - (token->text[i] == ']');
	return open;
}

/* Drops the brackets of a list, which does not have them here, and a ':' for '='. */
static void drop_marks(struct token *token)
{
	int open = open_brackets(token);
	bool first = *token->text == ':' || hint_is_bracket(token);
	bool last = open < 0 || (open == 0 && hint_is_bracket(token));

	token->text += first;
	token->length -= first + last;
}

/*
 * Joins "NAME", "=" and "VALUE", which stand together, to one value. Returns whether @equals, after
 * the last value, is inside such a value, and not the '=' of the next option.
 */
static bool join(struct line *line, struct token *equals)
{
	struct token *last = line->n > 0 ? &line->values[line->n - 1] : NULL;
	struct token next;
	enum token_kind kind = token_after(equals, &next);

	if (!last || last->text + last->length != equals->text || hint_is_name(last))
		return false;
	if (next.text != equals->text + 1 || (kind != TOKEN_WORD && kind != TOKEN_STRING))
		return false;
	last->length += 1 + next.length;
	*equals = next;
	return true;
}

static bool ends_line(enum token_kind kind, const struct token *token, int line)
{
	return kind == TOKEN_EQUALS || kind == TOKEN_CLOSE || kind == TOKEN_END ||
	       token->line != line || token_is(token, ";") || token_is_reported(token);
}

/* The values behind @before, to the end of the line or to the next option on it. */
static void read_line(const struct token *before, struct line *out)
{
	struct token token = *before;

	out->n = 0;
	while (out->n < VALUES_MAX) {
		enum token_kind kind = token_after(&token, &token);
		struct token value = token;

		if (kind == TOKEN_EQUALS && token.line == before->line && join(out, &token))
			continue;
		if (kind == TOKEN_EQUALS)
			out->n -= out->n > 0;
		if (ends_line(kind, &token, before->line))
			return;
		if (kind == TOKEN_WORD)
			drop_marks(&value);
		if ((kind == TOKEN_WORD || kind == TOKEN_STRING) && value.length > 0)
			out->values[out->n++] = value;
	}
}

static const struct option *option_of(const struct token *name)
{
	const char *colon = memchr(name->text, ':', name->length);
	int number = schema_find(name->text, colon ? (size_t)(colon - name->text) : name->length);

	return number < 0 ? NULL : &schema_options[number];
}

static bool takes_list(const struct option *option, const struct line *line)
{
	if (!option || line->n > 1)
		return !option || option->parse_list;
	/* A single word of some options needs no braces. */
	return option->parse_list && !option->words;
}

/* An address or a port that lacks its kind, as nginx writes it. */
static bool is_bare_address(const struct option *option, const struct token *value)
{
	return option && option == &schema_options[OPTION_LISTEN] &&
	       (isdigit((unsigned char)*value->text) || *value->text == '[');
}

static void write_values(FILE *stream, const struct option *option, const struct line *line,
			 bool list)
{
	bool is_string = line->n > 0 && strchr("\"'", *line->values[0].text);
	const char *quote = list || line->n > 1 || is_string ? "\"" : "";

	fputs(list ? "{" : "", stream);
	for (size_t i = 0; i < line->n; i++) {
		bool first = i == 0, last = i + 1 == line->n;

		fprintf(stream, "%s%s%s%s%s", first || list ? quote : "",
			is_bare_address(option, &line->values[i]) ? "tcp:" : "",
			token_quote(&line->values[i]), last || list ? quote : "",
			last ? "" : (list ? ", " : " "));
	}
	fputs(list ? "}" : "", stream);
}

const char *hint_assignment(const struct token *name, const struct token *before)
{
	static char hint[HINT_MAX];
	const struct option *option = option_of(name);
	FILE *stream = fmemopen(hint, sizeof(hint), "w");
	const char *unit = NULL;
	struct line line;

	read_line(before, &line);
	if (!stream)
		return "";
	fprintf(stream, "%s = ", option ? option->name : token_quote(name));
	if (line.n == 2)
		unit = hint_unit(&line.values[0], &line.values[1]);
	if (unit)
		fputs(unit, stream);
	else
		write_values(stream, option, &line, takes_list(option, &line));
	fclose(stream);
	hint[sizeof(hint) - 1] = '\0';
	return hint;
}

const char *hint_unit(const struct token *number, const struct token *unit)
{
	static const char *const units[][2] = {
		{ "ms", "ms" },    { "millisecond", "ms" },
		{ "s", "s" },      { "sec", "s" },
		{ "second", "s" }, { "m", "m" },
		{ "min", "m" },    { "minute", "m" },
		{ "h", "h" },      { "hour", "h" },
		{ "d", "d" },      { "day", "d" },
		{ "k", "k" },      { "kb", "k" },
		{ "kib", "k" },    { "mb", "m" },
		{ "mib", "m" },    { "g", "g" },
		{ "gb", "g" },     { "gib", "g" },
	};
	static char hint[32];
	size_t length = unit->length;

	for (size_t i = 0; i < number->length; i++)
		if (!isdigit((unsigned char)number->text[i]))
			return NULL;
	if (length > 3 && unit->text[length - 1] == 's')
		length--;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i][0]) != length || strncasecmp(units[i][0], unit->text, length))
			continue;
		snprintf(hint, sizeof(hint), "%s%s",
			 errors_quote_part(number->text, number->length), units[i][1]);
		return hint;
	}
	return NULL;
}

bool hint_is_section(const struct token *token)
{
	return token_is(token, "service") || token_is(token, "defaults") || token_is(token, "set");
}

bool hint_is_name(const struct token *token)
{
	return hint_is_section(token) || schema_find(token->text, token->length) >= 0;
}

bool hint_is_bracket(const struct token *token)
{
	const char *end = memchr(token->text, ']', token->length);

	return *token->text == '[' &&
	       (open_brackets(token) > 0 || end == token->text + token->length - 1);
}

/* Without a value that is right, the word is all that can be said something about. */
const char *hint_foreign(const struct token *name)
{
	static char hint[2 * HINT_MAX];
	char word[64];

	if (!token_plain(name, word, sizeof(word)) || !foreign_option(word))
		return NULL;
	snprintf(hint, sizeof(hint), "unknown option '%s'; %s", word, foreign_option(word));
	return hint;
}

static bool is_number(const struct token *token)
{
	for (size_t i = 0; i < token->length; i++)
		if (!isdigit((unsigned char)token->text[i]))
			return false;
	return token->length > 0;
}

/* The 'cps = 25 30' of xinetd: a rate, and for how many seconds the socket is closed then. */
static const char *hint_xinetd_rate(const struct option *option, const struct token *before)
{
	static char hint[HINT_MAX];
	struct line line;

	read_line(before, &line);
	if (option != &schema_options[OPTION_CPS] || line.n != 2 || !is_number(&line.values[0]) ||
	    !is_number(&line.values[1]))
		return NULL;
	snprintf(hint, sizeof(hint),
		 "the second number has no use here, as no socket is closed: write 'cps = %s'",
		 token_quote(&line.values[0]));
	return hint;
}

const char *hint_section(const struct token *name)
{
	if (token_is(name, "set"))
		return "no '=' stands before the '{' of a section: write 'set \"NAME\" { addresses "
		       "= {\"192.0.2.0/24\"} }'";
	if (token_is(name, "defaults"))
		return "no '=' stands before the '{' of a section: write 'defaults { ... }'";
	return "no '=' stands before the '{' of a section: write 'service \"NAME\" { ... }'";
}

const char *hint_two_values(const struct token *name, const struct token *before)
{
	static char hint[2 * HINT_MAX];
	const struct option *option = option_of(name);
	bool single = option && option->parse;

	if (hint_foreign(name))
		return hint_foreign(name);
	if (hint_xinetd_rate(option, before))
		return hint_xinetd_rate(option, before);
	snprintf(hint, sizeof(hint), "%s: write '%s'",
		 single ? "quotes hold a value with spaces together"
			: "several values stand in braces",
		 hint_assignment(name, before));
	return hint;
}

const char *hint_equals_in_value(const struct token *name, const struct token *before)
{
	static char hint[2 * HINT_MAX];
	struct line line;

	if (hint_foreign(name))
		return hint_foreign(name);
	read_line(before, &line);
	if (line.n == 0)
		return "a value with '=' in it needs quotes";
	snprintf(hint, sizeof(hint), "a value with '=' in it needs quotes: write '%s'",
		 hint_assignment(name, before));
	return hint;
}

static bool has_colon(const struct token *name, const struct token *next)
{
	return memchr(name->text, ':', name->length) || *next->text == ':';
}

const char *hint_missing_equals(const struct token *name)
{
	static char hint[2 * HINT_MAX];
	const char *quoted = token_quote(name);
	struct token next;
	bool value;

	value = token_after(name, &next) != TOKEN_CLOSE && next.length > 0 &&
		next.line == name->line && option_of(name);
	if (hint_foreign(name))
		return hint_foreign(name);
	if (token_is(name, "service:") || token_is(name, "defaults:"))
		return "a section is written 'service \"NAME\" { ... }' or 'defaults { ... }'";
	if (value && has_colon(name, &next))
		snprintf(hint, sizeof(hint),
			 "'=' stands between an option and its value, not ':': write '%s'",
			 hint_assignment(name, name));
	else if (value)
		snprintf(hint, sizeof(hint), "'=' is missing after '%s': write '%s'", quoted,
			 hint_assignment(name, name));
	else
		snprintf(hint, sizeof(hint), "'=' is missing after '%s'", quoted);
	return hint;
}
