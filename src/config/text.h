#pragma once

/*
 * The first look at the bytes of a file, which everything after it relies on: no
 * comments are left, strings end on their line and hold only escapes that are
 * known, braces are paired, and the last line is ended, so that a file that was cut
 * short is either refused or ends between two statements.
 */

#include <stddef.h>

struct mistakes;

/*
 * Blanks comments in place; lines stay where they are. @text has @length bytes and a
 * terminator. Returns 0, or -EINVAL after adding the mistake, which is the first:
 * where quotes or braces are wrong, nothing after them means what it seems to.
 */
int config_text_prepare(char *text, size_t length, const char *file, struct mistakes *mistakes);
