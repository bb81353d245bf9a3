#pragma once

/*
 * The first look at the bytes of a file, which everything after it relies on: no
 * comments are left, strings end on their line and hold only escapes that are
 * known, braces are paired, and the last line is ended, so that a file that was cut
 * short is either refused or ends between two statements. A refused one is still read
 * for more mistakes.
 */

#include <stdbool.h>
#include <stddef.h>

struct mistakes;

/* Stands in the text for what a mistake was told of. The text has no other. */
#define CONFIG_TEXT_TOLD '\1'

/* Whether @c can be part of a word without quotes. */
bool config_text_is_word(char c);

/*
 * Blanks comments in place; lines stay where they are. @text has @length bytes and a
 * terminator. Returns 0, or -EINVAL after adding the mistakes. Then the text has
 * CONFIG_TEXT_TOLD in their places; and it is cut behind the last whole statement before
 * a comment, a string or a brace that is wrong: nothing after it means what it seems to.
 */
int config_text_prepare(char *text, size_t length, const char *file, struct mistakes *mistakes);
