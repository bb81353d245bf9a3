#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Longer words are similar to none. */
#define WORD_MAX 64

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\'' && c != '"' && c != '\\';
}

char *text_escape(char *out, size_t size, const char *in, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0, cut = 0;

	if (size == 0)
		return out;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];
		size_t width = is_plain(c) ? 1 : 4;

		if (at + width >= size) {
			(void)snprintf(out + cut, size - cut, "...");
			return out;
		}

		if (width == 1) {
			out[at] = (char)c;
		} else {
			out[at] = '\\';
			out[at + 1] = 'x';
			out[at + 2] = hex[c >> 4];
			out[at + 3] = hex[c & 15];
		}
		at += width;

		/* The last end of a character behind which the dots still fit. */
		if (at + 3 < size)
			cut = at;
	}

	out[at] = '\0';
	return out;
}

char *text_count(char out[static TEXT_COUNT_MAX], size_t n, const char *noun)
{
	(void)snprintf(out, TEXT_COUNT_MAX, "%zu %s%s", n, noun, n == 1 ? "" : "s");
	return out;
}

char *text_seconds(char out[static TEXT_SECONDS_MAX], int64_t ms)
{
	if (ms % 1000 == 0)
		(void)snprintf(out, TEXT_SECONDS_MAX, "%" PRId64 " s", ms / 1000);
	else
		(void)snprintf(out, TEXT_SECONDS_MAX, "%" PRId64 ".%03d s", ms / 1000,
			       (int)(ms % 1000));
	return out;
}

char *text_status(int status, char out[static TEXT_STATUS_MAX])
{
	const char *name;

	if (!WIFSIGNALED(status)) {
		(void)snprintf(out, TEXT_STATUS_MAX, "exit status %d", WEXITSTATUS(status));
		return out;
	}

	name = sigabbrev_np(WTERMSIG(status));
	(void)snprintf(out, TEXT_STATUS_MAX, "killed by signal %d (SIG%s)", WTERMSIG(status),
		       name ? name : "?");
	return out;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* How many insertions, deletions, changes and swaps of neighbours make @b out of @a. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		last[j] = j;

	for (size_t i = 1; a[i - 1]; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}

	return last[n];
}

int text_nearest(const char *word, const char *const *words)
{
	size_t length = strlen(word);
	size_t least = 1 + length / 4; /* one typing error, and one more for every four letters */
	int nearest = -1;

	if (length == 0 || length > WORD_MAX)
		return -1;

	for (int i = 0; words[i]; i++) {
		size_t d;

		if (strlen(words[i]) > WORD_MAX)
			continue;

		d = distance(word, words[i]);
		if (d < length && (nearest < 0 ? d <= least : d < least)) {
			least = d;
			nearest = i;
		}
	}

	return nearest;
}
