#include "config/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "config/hints.h"
#include "config/inetd-line.h"

static void advance(struct syntax *syntax)
{
	syntax->depth += (syntax->kind == TOKEN_OPEN) - (syntax->kind == TOKEN_CLOSE);

	syntax->kind = token_after(&syntax->token, &syntax->token);
}

void syntax_init(struct syntax *syntax, const char *text, const char *file, struct errors *errors)
{
	*syntax = (struct syntax){
		.file = file,
		.errors = errors,
		.token = { .text = text ?: "", .line = 1 },
	};
	advance(syntax);
}

void syntax_fini(struct syntax *syntax)
{
	free(syntax->statement.assignments);
	free(syntax->statement.values);
}

static bool is_in_set(const struct syntax *syntax)
{
	return token_is(&syntax->statement.keyword, "set");
}

static const char *subject_of(const struct syntax *syntax)
{
	return is_in_set(syntax) ? "set '" : "service '";
}

/*
 * Adds an error at @at_line, or, if that is 0, at the line of the current token. Names the section
 * around it. Returns -EINVAL.
 */
__attribute__((__format__(__printf__, 3, 4))) static int complain(struct syntax *syntax,
								  int at_line, const char *fmt, ...)
{
	const struct token *title = &syntax->statement.title;
	bool named = syntax->statement.keyword.length > 0 && title->length > 0;
	struct location at = { syntax->file, at_line ? at_line : syntax->token.line };
	AUTO(auto_free) char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	errors_add(syntax->errors, at, "%s%s%s%s", named ? subject_of(syntax) : "",
		   named ? token_quote(title) : "", named ? "': " : "",
		   message ? message : "out of memory");
	return -EINVAL;
}

/* Moves to the next line, or to the end of the section of depth @level. */
static void skip_line(struct syntax *syntax, int line, int level)
{
	while (syntax->kind != TOKEN_END) {
		if (syntax->depth == level &&
		    (syntax->token.line > line || syntax->kind == TOKEN_CLOSE))
			return;
		advance(syntax);
	}
}

static int out_of_memory(struct syntax *syntax)
{
	return complain(syntax, 0, "out of memory");
}

static int add_value(struct syntax *syntax)
{
	struct statement *statement = &syntax->statement;

	if (token_is_reported(&syntax->token))
		return -EINVAL;
	if (array_make_room(statement->values, statement->n_values, statement->values_room) < 0)
		return out_of_memory(syntax);

	statement->values[statement->n_values++] = syntax->token;
	advance(syntax);
	return 0;
}

static int add_assignment(struct syntax *syntax, const struct assignment *assignment)
{
	struct statement *statement = &syntax->statement;

	if (array_make_room(statement->assignments, statement->n_assignments,
			    statement->assignments_room) < 0)
		return out_of_memory(syntax);

	statement->assignments[statement->n_assignments++] = *assignment;
	return 0;
}

/* About a token that is no value. */
static int no_value_in_list(struct syntax *syntax, const struct token *name)
{
	char mark = *syntax->token.text;

	if (syntax->kind == TOKEN_EQUALS)
		return complain(syntax, 0, "a value with '=' in it needs quotes");
	if (mark == ';')
		return complain(syntax, 0, "',' stands between the values of '%s', not ';'",
				token_quote(name));
	if (mark == '\\')
		return complain(
			syntax, 0,
			"'\\' has no meaning here; leave it out: a list goes on over the end "
			"of a line");
	return complain(syntax, 0, "'%s' has no meaning in the list of '%s'",
			token_quote(&syntax->token), token_quote(name));
}

static int read_list(struct syntax *syntax, const struct token *name)
{
	advance(syntax);
	while (syntax->kind != TOKEN_CLOSE) {
		int r;

		if (syntax->kind != TOKEN_WORD && syntax->kind != TOKEN_STRING)
			return no_value_in_list(syntax, name);
		r = add_value(syntax);
		if (r < 0)
			return r;

		if (syntax->kind == TOKEN_COMMA)
			advance(syntax);
		else if (syntax->kind == TOKEN_WORD || syntax->kind == TOKEN_STRING)
			return complain(syntax, 0, "',' is missing between the values of '%s'",
					token_quote(name));
	}
	advance(syntax);
	return 0;
}

static bool is_on_line(const struct syntax *syntax, int line)
{
	return syntax->token.line == line && syntax->kind != TOKEN_END;
}

/* Whether another option or a section begins here, on the same line. */
static bool is_next_name(const struct syntax *syntax)
{
	struct token next;
	enum token_kind kind = token_after(&syntax->token, &next);

	if (syntax->kind != TOKEN_WORD)
		return false;
	if (hint_is_name(&syntax->token))
		return true;
	if (kind == TOKEN_WORD || kind == TOKEN_STRING)
		return token_after(&next, &next) == TOKEN_OPEN;
	if (!isalpha((unsigned char)*syntax->token.text) && !token_is_reported(&syntax->token))
		return false;
	return kind == TOKEN_EQUALS || kind == TOKEN_OPEN || *next.text == '+';
}

/* One value, behind which nothing else may stand on the line but another option. */
static int read_single(struct syntax *syntax, const struct token *name, const struct token *equals)
{
	struct token value = syntax->token;
	int line = value.line;
	int r = add_value(syntax);

	if (r < 0 || !is_on_line(syntax, line) || is_next_name(syntax))
		return r;
	if (syntax->kind == TOKEN_WORD && hint_unit(&value, &syntax->token))
		return complain(syntax, 0, "a number and its unit are one word: write '%s'",
				hint_assignment(name, equals));
	if (syntax->kind == TOKEN_EQUALS)
		return complain(syntax, 0, "%s", hint_equals_in_value(name, equals));
	if (syntax->kind == TOKEN_COMMA || syntax->kind == TOKEN_WORD ||
	    syntax->kind == TOKEN_STRING)
		return complain(syntax, 0, "%s", hint_two_values(name, equals));
	return 0;
}

/* A word on the next line is probably the next option, and the value is missing. */
static int read_value(struct syntax *syntax, const struct token *name, const struct token *equals)
{
	if (syntax->kind == TOKEN_OPEN)
		return read_list(syntax, name);
	if (syntax->kind == TOKEN_WORD && hint_is_bracket(&syntax->token))
		return complain(syntax, 0, "a list stands in braces, not in brackets: write '%s'",
				hint_assignment(name, equals));
	if (syntax->kind == TOKEN_STRING ||
	    (syntax->kind == TOKEN_WORD && syntax->token.line == name->line))
		return read_single(syntax, name, equals);
	if (syntax->kind == TOKEN_OTHER)
		return complain(syntax, 0, "the value of '%s' needs quotes", token_quote(name));
	return complain(syntax, name->line, "'%s' has no value", token_quote(name));
}

static int read_assignment(struct syntax *syntax, const struct token *name)
{
	struct assignment assignment = { .name = *name };
	struct token equals = syntax->token;
	int r;

	if (syntax->kind == TOKEN_OTHER && hint_foreign(name))
		return complain(syntax, name->line, "%s", hint_foreign(name));
	if (syntax->kind == TOKEN_OTHER && syntax->token.text[0] == '+')
		return complain(syntax, 0, "'+=' is not known here; give '%s' all values with '='",
				token_quote(name));
	if (syntax->kind != TOKEN_EQUALS)
		return complain(syntax, name->line, "%s", hint_missing_equals(name));
	advance(syntax);

	assignment.first = syntax->statement.n_values;
	assignment.is_list = syntax->kind == TOKEN_OPEN;
	r = read_value(syntax, name, &equals);
	if (r < 0) {
		syntax->statement.n_values = assignment.first;
		return r;
	}

	assignment.n_values = syntax->statement.n_values - assignment.first;
	return add_assignment(syntax, &assignment);
}

/* Reads a name. If the token is not a name, adds an error and moves past it. */
static int read_name(struct syntax *syntax, struct token *out)
{
	enum token_kind kind = syntax->kind;

	*out = syntax->token;
	advance(syntax);
	if (token_is_reported(out))
		return -EINVAL;
	if (kind == TOKEN_WORD && (isalpha((unsigned char)*out->text) || *out->text == '_'))
		return 0;
	if (kind == TOKEN_OTHER && strchr("<>|&", *out->text))
		return complain(syntax, out->line,
				"only a shell knows '%s': write 'exec = {\"/bin/sh\", \"-c\", "
				"\"COMMAND\"}'",
				token_quote(out));
	if (kind != TOKEN_WORD && kind != TOKEN_STRING)
		return complain(syntax, out->line, "'%s' has no meaning here", token_quote(out));
	if (is_in_set(syntax))
		return complain(syntax, out->line,
				"'%s' stands where the name of an option is expected; write "
				"'addresses = {\"192.0.2.0/24\"}'",
				token_quote(out));
	if (hint_is_bracket(out))
		return complain(syntax, out->line,
				"'%s' has no meaning here: a section is written 'service \"NAME\" "
				"{ ... }', and a list in braces",
				token_quote(out));
	return complain(syntax, out->line,
			"'%s' stands where the name of an option is expected; quotes hold a value "
			"with spaces together, braces several values",
			token_quote(out));
}

/* nginx and C end a line so. Nothing is lost. */
static bool skip_semicolon(struct syntax *syntax)
{
	if (syntax->kind != TOKEN_OTHER || *syntax->token.text != ';')
		return false;
	(void)complain(syntax, 0, "';' has no meaning here; leave it out: a line ends by itself");
	advance(syntax);
	return true;
}

/* Whether a name and what follows it begin a section, and not an option without its '='. */
static bool begins_section(const struct syntax *syntax, const struct token *name)
{
	struct token next;

	if (hint_is_section(name))
		return syntax->kind != TOKEN_EQUALS;
	if (syntax->kind == TOKEN_OPEN)
		return !hint_is_name(name);
	return (syntax->kind == TOKEN_STRING || syntax->kind == TOKEN_WORD) &&
	       token_after(&syntax->token, &next) == TOKEN_OPEN;
}

static void read_body(struct syntax *syntax)
{
	advance(syntax);
	while (syntax->kind != TOKEN_CLOSE && syntax->kind != TOKEN_END) {
		int line = syntax->token.line;
		struct token name;
		int r;

		if (skip_semicolon(syntax))
			continue;
		r = read_name(syntax, &name);
		if (r == 0 && begins_section(syntax, &name))
			r = complain(syntax, name.line, "'%s': a section cannot stand in another",
				     token_quote(&name));
		else if (r == 0)
			r = read_assignment(syntax, &name);
		if (r < 0) {
			syntax->statement.broken = true;
			skip_line(syntax, line, 1);
		}
	}
	advance(syntax);
}

/* Reads what stands between the word of a section and its '{', if there is anything. */
static int read_title(struct syntax *syntax, const struct token *name)
{
	if (syntax->kind != TOKEN_STRING && syntax->kind != TOKEN_WORD)
		return 0;
	if (syntax->token.line != name->line)
		return complain(syntax, name->line, "%s", hint_missing_equals(name));

	syntax->statement.title = syntax->token;
	advance(syntax);
	if (syntax->kind == TOKEN_OPEN)
		return 0;
	if (token_is_reported(&syntax->statement.title))
		return -EINVAL;
	if (hint_is_section(name) && syntax->kind == TOKEN_EQUALS)
		return complain(syntax, name->line, "%s", hint_section(name));
	if (hint_is_section(name))
		return complain(syntax, name->line, "'{' is missing after '%s'", token_quote(name));
	return complain(syntax, name->line, "%s", hint_missing_equals(name));
}

/* As in 'defaults = { ... }' or 'service = "x" { ... }'. */
static bool is_section_with_equals(const struct syntax *syntax, const struct token *name)
{
	struct token next;

	if (syntax->kind != TOKEN_EQUALS || !hint_is_section(name))
		return false;
	return token_after(&syntax->token, &next) == TOKEN_OPEN ||
	       token_after(&next, &next) == TOKEN_OPEN;
}

static int read_statement(struct syntax *syntax)
{
	struct statement *statement = &syntax->statement;
	const char *section = inetd_line_as_section(&syntax->token);
	struct token name;
	int r;

	if (section)
		return complain(syntax, 0, "this is a line of inetd.conf; here it is a section: %s",
				section);
	r = read_name(syntax, &name);
	if (r == 0)
		r = read_title(syntax, &name);
	if (r < 0)
		return r;

	if (is_section_with_equals(syntax, &name))
		return complain(syntax, name.line, "%s", hint_section(&name));
	if (syntax->kind != TOKEN_OPEN)
		return read_assignment(syntax, &name);
	if (!statement->title.length && !begins_section(syntax, &name) && hint_is_name(&name))
		return complain(syntax, name.line, "%s", hint_missing_equals(&name));

	statement->keyword = name;
	read_body(syntax);
	return 0;
}

struct statement *syntax_next(struct syntax *syntax)
{
	struct statement *statement = &syntax->statement;

	while (syntax->kind != TOKEN_END) {
		int line = syntax->token.line;

		statement->keyword = statement->title = (struct token){ 0 };
		if (skip_semicolon(syntax))
			continue;
		statement->broken = false;
		statement->first_error = syntax->errors ? syntax->errors->n : 0;
		statement->n_assignments = statement->n_values = 0;
		if (read_statement(syntax) == 0)
			return statement;
		skip_line(syntax, line, 0);
	}
	return NULL;
}
