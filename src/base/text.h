#pragma once

/* Helpers for text: to escape what comes from outside, and to say things in words. */

#include <stddef.h>
#include <stdint.h>

/*
 * Writes @n bytes of @in to @out, which has room for @size bytes with the terminator. Control
 * characters and bytes that are no UTF-8 become \xNN, so that the text stays in its line and cannot
 * turn the direction of writing. What does not fit is cut and ends in "...". Returns @out.
 */
char *text_escape(char *out, size_t size, const char *in, size_t n);

/*
 * The same for a name that stands without quotes, or by which something is found: different names
 * have different texts, because quotes and backslashes become \xNN as well.
 */
char *text_escape_name(char *out, size_t size, const char *in, size_t n);

/* How many of the @n bytes of @in come before a character that is not complete. */
size_t text_whole(const char *in, size_t n);

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
