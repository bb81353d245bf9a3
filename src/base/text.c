#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Longer words are similar to none. */
#define WORD_MAX 64

/* What could change the line that it stands in, or how that line is read. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || /* C0 and C1 */
	       (code >= 0x2028 && code <= 0x202e) || /* ends of lines, and of other directions */
	       (code >= 0x2066 && code <= 0x2069);
}

/* How many bytes the character has that begins with @c, or 0 where none can. */
static size_t length_of(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Returns the length of the character at @in, at most @n, or 0 if it is no UTF-8. */
static size_t decode(const char *in, size_t n, uint32_t *out_code)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = length_of((unsigned char)in[0]);
	uint32_t code = (unsigned char)in[0] & masks[length];

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)in[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)in[i] & 0x3f);
	}
	*out_code = code;
	return code >= least[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
		       ? length
		       : 0;
}

static void write_hex(char *out, const char *in, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];

		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
}

/* @also: other characters to escape. */
static char *escape(char *out, size_t size, const char *in, size_t n, const char *also)
{
	size_t at = 0, cut = 0, length;

	if (size == 0)
		return out;

	for (size_t i = 0; i < n; i += length) {
		uint32_t code = 0;
		bool is_plain;
		size_t width;

		length = decode(in + i, n - i, &code);
		is_plain = length > 0 && !is_control(code) && !strchr(also, in[i]);
		length = length > 0 ? length : 1;
		width = is_plain ? length : 4 * length;
		if (at + width >= size) {
			(void)snprintf(out + cut, size - cut, "...");
			return out;
		}

		if (is_plain)
			memcpy(out + at, in + i, length);
		else
			write_hex(out + at, in + i, length);
		at += width;

		/* The last end of a character behind which the dots still fit. */
		if (at + 3 < size)
			cut = at;
	}

	out[at] = '\0';
	return out;
}

char *text_escape(char *out, size_t size, const char *in, size_t n)
{
	return escape(out, size, in, n, "");
}

char *text_escape_name(char *out, size_t size, const char *in, size_t n)
{
	return escape(out, size, in, n, "'\"\\");
}

size_t text_whole(const char *in, size_t n)
{
	for (size_t i = n; i > 0 && n - i < 4; i--)
		if (((unsigned char)in[i - 1] & 0xc0) != 0x80)
			return length_of((unsigned char)in[i - 1]) > n - i + 1 ? i - 1 : n;
	return n;
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
