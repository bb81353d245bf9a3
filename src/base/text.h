#pragma once

/* Small services for text: escaping what comes from outside, counts, likeness of words. */

#include <stddef.h>

/*
 * Writes @n bytes of @in to @out (@size bytes with the terminator), everything
 * but printable ASCII, and the quote and the backslash, as \xNN; what does not
 * fit ends in "...". Returns @out.
 */
char *text_escape(char *out, size_t size, const char *in, size_t n);

#define TEXT_COUNT_MAX 64

/* "1 service", "2 services". The plural of @noun adds an s. Returns @out. */
char *text_count(char out[static TEXT_COUNT_MAX], size_t n, const char *noun);

/*
 * Returns the index of the word most like @word in the NULL-terminated @words, or -1 where
 * none is near enough for a "did you mean".
 */
int text_nearest(const char *word, const char *const *words);
