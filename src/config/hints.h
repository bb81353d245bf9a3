#pragma once

/*
 * What to write instead of a line that is not understood, as a part of a message. The results are
 * valid until the next call of the same function.
 */

#include "config/token.h"

/*
 * "listen = {\"tcp:1\", \"tcp:2\"}": the assignment that is probably meant, with the values behind
 * @before, to the end of its line.
 */
const char *hint_assignment(const struct token *name, const struct token *before);

/* "5m" for 5 and "min", or NULL. */
const char *hint_unit(const struct token *number, const struct token *unit);

/* About the word of another configuration; NULL if @name is none. */
const char *hint_foreign(const struct token *name);

/* About two values without braces: both begin behind @before. */
const char *hint_two_values(const struct token *name, const struct token *before);

/* About a value without quotes that has a '=' in it and begins behind @before. */
const char *hint_equals_in_value(const struct token *name, const struct token *before);

/* About a '=' before the '{' of the section that @name begins. */
const char *hint_section(const struct token *name);

/* Whether the token is the word of a section. */
bool hint_is_section(const struct token *token);

/* Whether the token is the name of an option, or begins a section. */
bool hint_is_name(const struct token *token);

/* Whether a bracket begins a list, and not an IPv6 address as in "[::1]:80". */
bool hint_is_bracket(const struct token *token);

/* "'=' is missing after 'x'", or what else is wrong behind the name of an option. */
const char *hint_missing_equals(const struct token *name);
