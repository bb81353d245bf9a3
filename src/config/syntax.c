#include "config/syntax.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/text.h"

static size_t string_length(const char *text)
{
	const char *at = text + 1;

	while (*at && *at != *text)
		at += *at == '\\' && (*text == '"' || at[1] == '\\' || at[1] == '\'') ? 2 : 1;
	return at - text + 1;
}

static enum token_kind token_at(const char *at, size_t *out_length)
{
	const char *mark = "{},=";
	static const enum token_kind marks[] = { TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA,
						 TOKEN_EQUALS };

	*out_length = *at != '\0';
	if (!*at)
		return TOKEN_END;
	if (*at == '"' || *at == '\'') {
		*out_length = string_length(at);
		return TOKEN_STRING;
	}
	if (strchr(mark, *at))
		return marks[strchr(mark, *at) - mark];
	if (!config_text_is_word(*at))
		return TOKEN_OTHER;

	while (config_text_is_word(at[*out_length]))
		++*out_length;
	return TOKEN_WORD;
}

static void advance(struct syntax *syntax)
{
	syntax->depth += (syntax->kind == TOKEN_OPEN) - (syntax->kind == TOKEN_CLOSE);

	for (; *syntax->at && strchr(" \t\n", *syntax->at); syntax->at++)
		syntax->line += *syntax->at == '\n';

	syntax->token.text = syntax->at;
	syntax->token.line = syntax->line;
	syntax->kind = token_at(syntax->at, &syntax->token.length);
	syntax->at += syntax->token.length;
}

void syntax_init(struct syntax *syntax, const char *text, const char *file, struct errors *errors)
{
	*syntax = (struct syntax){
		.file = file,
		.errors = errors,
		.at = text ?: "",
		.line = 1,
	};
	advance(syntax);
}

void syntax_fini(struct syntax *syntax)
{
	free(syntax->statement.assignments);
	free(syntax->statement.values);
}

/* Adds an error at @at_line, or, if that is 0, at the line of the current token. */
#define complain(syntax, at_line, ...)                                                 \
	(errors_add((syntax)->errors,                                                  \
		    (struct location){ (syntax)->file,                                 \
				       (at_line) ? (at_line) : (syntax)->token.line }, \
		    __VA_ARGS__),                                                      \
	 -EINVAL)

const char *token_quote(const struct token *token)
{
	size_t quotes = token->length > 1 && (*token->text == '"' || *token->text == '\'');

	return errors_quote_part(token->text + quotes, token->length - 2 * quotes);
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

static int read_list(struct syntax *syntax, const struct token *name)
{
	advance(syntax);
	while (syntax->kind != TOKEN_CLOSE) {
		int r;

		if (syntax->kind != TOKEN_WORD && syntax->kind != TOKEN_STRING)
			return complain(syntax, 0, "'%s' has no meaning in the list of '%s'",
					token_quote(&syntax->token), token_quote(name));
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

/* A word on the next line is probably the next option, and the value is missing. */
static int read_value(struct syntax *syntax, const struct token *name)
{
	if (syntax->kind == TOKEN_OPEN)
		return read_list(syntax, name);
	if (syntax->kind == TOKEN_STRING)
		return add_value(syntax);
	if (syntax->kind == TOKEN_WORD && syntax->token.line == name->line)
		return add_value(syntax);
	if (syntax->kind == TOKEN_OTHER)
		return complain(syntax, 0, "the value of '%s' needs quotes", token_quote(name));
	return complain(syntax, name->line, "'%s' has no value", token_quote(name));
}

static int read_assignment(struct syntax *syntax, const struct token *name)
{
	struct assignment assignment = { .name = *name };
	int r;

	if (syntax->kind == TOKEN_OTHER && syntax->token.text[0] == '+')
		return complain(syntax, 0, "'+=' is not known here; give '%s' all values with '='",
				token_quote(name));
	if (syntax->kind != TOKEN_EQUALS)
		return complain(syntax, name->line, "'=' is missing after '%s'", token_quote(name));
	advance(syntax);

	assignment.first = syntax->statement.n_values;
	assignment.is_list = syntax->kind == TOKEN_OPEN;
	r = read_value(syntax, name);
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
	if (kind != TOKEN_WORD && kind != TOKEN_STRING)
		return complain(syntax, out->line, "'%s' has no meaning here", token_quote(out));
	return complain(syntax, out->line,
			"'%s' stands where the name of an option is expected; quotes hold a value "
			"with spaces together, braces several values",
			token_quote(out));
}

static void read_body(struct syntax *syntax)
{
	advance(syntax);
	while (syntax->kind != TOKEN_CLOSE && syntax->kind != TOKEN_END) {
		int line = syntax->token.line;
		struct token name;
		int r;

		r = read_name(syntax, &name);
		if (r == 0 && (syntax->kind == TOKEN_OPEN || syntax->kind == TOKEN_STRING))
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

static int read_statement(struct syntax *syntax)
{
	struct statement *statement = &syntax->statement;
	struct token name;
	int r;

	r = read_name(syntax, &name);
	if (r < 0)
		return r;

	if (syntax->kind == TOKEN_STRING || syntax->kind == TOKEN_WORD) {
		if (syntax->token.line != name.line)
			return complain(syntax, name.line, "'=' is missing after '%s'",
					token_quote(&name));
		statement->title = syntax->token;
		advance(syntax);
		if (syntax->kind != TOKEN_OPEN)
			return complain(syntax, name.line, "'%c' is missing after '%s'",
					token_is(&name, "service") ? '{' : '=', token_quote(&name));
	}
	if (syntax->kind != TOKEN_OPEN)
		return read_assignment(syntax, &name);

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
		statement->broken = false;
		statement->first_error = syntax->errors ? syntax->errors->n : 0;
		statement->n_assignments = statement->n_values = 0;
		if (read_statement(syntax) == 0)
			return statement;
		skip_line(syntax, line, 0);
	}
	return NULL;
}

bool token_is(const struct token *token, const char *text)
{
	return strlen(text) == token->length && memcmp(token->text, text, token->length) == 0;
}

bool token_is_reported(const struct token *token)
{
	return token->length > 0 && memchr(token->text, CONFIG_TEXT_REPORTED, token->length);
}

bool token_plain(const struct token *token, char *out, size_t size)
{
	size_t quotes = token->length && (*token->text == '"' || *token->text == '\'');
	size_t length = token->length - 2 * quotes;

	assert(token->length >= 2 * quotes);
	if (length >= size || memchr(token->text, '\\', token->length))
		return false;
	memcpy(out, token->text + quotes, length);
	out[length] = '\0';
	return true;
}
