#include "config/token.h"

#include <assert.h>
#include <string.h>

#include "config/errors.h"
#include "config/text.h"

static size_t string_length(const char *text)
{
	const char *at = text + 1;

	while (*at && *at != *text)
		at += *at == '\\' && (*text == '"' || at[1] == '\\' || at[1] == '\'') ? 2 : 1;
	return at - text + 1;
}

static enum token_kind kind_at(const char *at, size_t *out_length)
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

enum token_kind token_after(const struct token *token, struct token *out)
{
	const char *at = token->text + token->length;
	int line = token->line;

	for (; *at && strchr(" \t\n", *at); at++)
		line += *at == '\n';
	out->text = at;
	out->line = line;
	return kind_at(at, &out->length);
}

const char *token_quote(const struct token *token)
{
	size_t quotes = token->length > 1 && (*token->text == '"' || *token->text == '\'');

	return errors_quote_part(token->text + quotes, token->length - 2 * quotes);
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
