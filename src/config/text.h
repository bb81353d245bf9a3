#pragma once

/*
 * The first look at the bytes of a file, which everything after it relies on: no
 * comments are left, strings end on their line and hold only escapes that are
 * known, braces are paired, and the last line is ended, so that a file that was cut
 * short is either refused or ends between two statements. A refused one is still read
 * for more errors.
 */

#include <stdbool.h>
#include <stddef.h>

struct errors;

/* Stands in the text for what was reported already. The text has no other. */
#define CONFIG_TEXT_REPORTED '\1'

/* Whether @c can be part of a word without quotes. */
bool config_text_is_word(char c);

/*
 * Blanks comments in place; lines stay where they are. @text has @length bytes and a
 * terminator. Returns 0, or -EINVAL after adding the errors. Then the text has
 * CONFIG_TEXT_REPORTED in their places; and it is cut behind the last whole statement before
 * a comment, a string or a brace that is wrong: nothing after it means what it seems to.
 */
int config_text_prepare(char *text, size_t length, const char *file, struct errors *errors);
