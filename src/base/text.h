#pragma once

/* Helpers for text: to escape what comes from outside, and to say things in words. */

#include <stddef.h>
#include <stdint.h>

/*
 * Writes @n bytes of @in to @out, which has room for @size bytes with the terminator. Quotes,
 * backslashes and all that is not printable ASCII become \xNN. What does not fit is cut and ends
 * in "...". Returns @out.
 */
char *text_escape(char *out, size_t size, const char *in, size_t n);

#define TEXT_COUNT_MAX 64

/* "1 service", "2 services". The plural of @noun adds an s. Returns @out. */
char *text_count(char out[static TEXT_COUNT_MAX], size_t n, const char *noun);

#define TEXT_SECONDS_MAX 32

/* "10 s", or "1.500 s". Returns @out. */
char *text_seconds(char out[static TEXT_SECONDS_MAX], int64_t ms);

#define TEXT_STATUS_MAX 48

/* "exit status 1", or "killed by signal 9 (SIGKILL)". @status is that of wait(2). Returns @out. */
char *text_status(int status, char out[static TEXT_STATUS_MAX]);

/*
 * Returns the index of the word in the NULL-terminated @words that is most similar to @word, or -1
 * where none is similar enough for a "did you mean".
 */
int text_nearest(const char *word, const char *const *words);
