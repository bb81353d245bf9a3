#pragma once

/*
 * The first look at the bytes of a file, on which all later steps rely. Afterwards the text has no
 * comments, strings end on their line and have only known escapes, braces are paired, and the last
 * line has an end. So a file that was cut short is refused, or it ends between two statements. A
 * refused file is still read for more errors.
 */

#include <stdbool.h>
#include <stddef.h>

struct errors;

/* Replaces a part of the text whose error was reported. No other text has this character. */
#define CONFIG_TEXT_REPORTED '\1'

/* Whether @c can be part of a word without quotes. */
bool config_text_is_word(char c);

/*
 * Blanks comments in place, without moving lines. @text has @length bytes and a terminator. Returns
 * 0, or -EINVAL after adding the errors, which are then CONFIG_TEXT_REPORTED in the text. After a
 * comment, string or brace that is not closed nothing can be trusted, so the text is cut after the
 * last whole statement before it.
 */
int config_text_prepare(char *text, size_t length, const char *file, struct errors *errors);
