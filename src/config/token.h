#pragma once

/*
 * The tokens of prepared text: words, strings with their quotes, and marks. A token points into the
 * text.
 */

#include <stdbool.h>
#include <stddef.h>

/* A word or a string, with its quotes, inside the text. */
struct token {
	const char *text;
	size_t length;
	int line;
};

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_EQUALS,
	TOKEN_OTHER,
};

/* Reads the token behind @token, which may be @out. The end has a length of 0. */
enum token_kind token_after(const struct token *token, struct token *out);

/* The token without quotes, escaped for a message. Valid for the next few calls. */
const char *token_quote(const struct token *token);

bool token_is(const struct token *token, const char *text);

/* Whether an error in the token was reported when the text was prepared. */
bool token_is_reported(const struct token *token);

/* Copies the text without quotes, unless it is longer than @size - 1 or has an escape. */
bool token_plain(const struct token *token, char *out, size_t size);
