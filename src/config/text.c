#include "config/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "config/mistakes.h"

/* A list inside a section: no more can be right. The syntax has its own, better message for 3. */
#define DEPTH_MAX 32

struct scan {
	char *at;
	int line;
	int depth;
	int open_at[DEPTH_MAX];
};

/* Each of these moves past one piece of text and returns what is wrong with it, or NULL. */

static const char *line_comment(struct scan *scan)
{
	while (*scan->at && *scan->at != '\n')
		*scan->at++ = ' ';
	return NULL;
}

static const char *block_comment(struct scan *scan)
{
	char *end = strstr(scan->at + 2, "*/");

	if (!end)
		return "this comment is never closed";

	for (; scan->at < end + 2; scan->at++)
		if (*scan->at == '\n')
			scan->line++;
		else
			*scan->at = ' ';
	return NULL;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static const char *number_escape(struct scan *scan, int base, int digits_max)
{
	int value = 0;

	for (int n = 0; n < digits_max && digit_of(*scan->at) < base; n++)
		value = value * base + digit_of(*scan->at++);

	if (value == 0)
		return "a string cannot hold a zero byte";
	if (value > 0377)
		return "an octal escape goes up to '\\377'";
	if (base == 8 && digit_of(*scan->at) < 10)
		return "a digit cannot follow an octal escape; write it as '\\x..'";
	return NULL;
}

/* Only what libconfuse reads the same way; what it passes over in silence is refused. */
static const char *escape(struct scan *scan)
{
	scan->at++;
	if (digit_of(*scan->at) < 8)
		return number_escape(scan, 8, 3);
	if (*scan->at == 'x' && digit_of(scan->at[1]) < 16) {
		scan->at++;
		return number_escape(scan, 16, 2);
	}
	if (!*scan->at || !strchr("\"'\\$abefnrtv", *scan->at))
		return "in double quotes, a backslash goes before one of \" ' \\ $ a b e f n r t "
		       "v, "
		       "an octal number, or x and a hexadecimal one";
	scan->at++;
	return NULL;
}

static const char *string(struct scan *scan)
{
	char quote = *scan->at++;

	while (*scan->at != quote) {
		const char *message = NULL;

		if (!*scan->at || *scan->at == '\n')
			return "this line ends inside a string";
		if (quote == '"' && *scan->at == '\\')
			message = escape(scan);
		else if (*scan->at == '\\' && (scan->at[1] == '\\' || scan->at[1] == '\''))
			scan->at += 2;
		else if ((unsigned char)*scan->at < ' ' && *scan->at != '\t')
			message =
				"a string cannot hold this control character; write it as '\\x..'";
		else
			scan->at++;
		if (message)
			return message;
	}

	scan->at++;
	return NULL;
}

static const char *brace(struct scan *scan)
{
	if (*scan->at++ == '{') {
		if (scan->depth == DEPTH_MAX)
			return "sections are nested too deeply";
		scan->open_at[scan->depth++] = scan->line;
		return NULL;
	}

	if (scan->depth == 0)
		return "this '}' closes nothing";
	scan->depth--;
	return NULL;
}

static const char *other(struct scan *scan)
{
	unsigned char c = *scan->at;

	if (c == '\n')
		scan->line++;
	else if ((c < ' ' && c != '\t') || c == 0x7f)
		return "a control character stands here, outside of quotes";
	else if (c > 0x7f)
		return "only ASCII text can stand outside of quotes and comments";
	scan->at++;
	return NULL;
}

static const char *step(struct scan *scan)
{
	if (*scan->at == '#' || strncmp(scan->at, "//", 2) == 0)
		return line_comment(scan);
	if (strncmp(scan->at, "/*", 2) == 0)
		return block_comment(scan);
	if (*scan->at == '"' || *scan->at == '\'')
		return string(scan);
	if (*scan->at == '{' || *scan->at == '}')
		return brace(scan);
	return other(scan);
}

/* What editors of other systems leave: a mark at the start, carriage returns before the ends. */
static void blank_foreign_marks(char *text)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		memset(text, ' ', 3);
	for (char *at = strstr(text, "\r\n"); at; at = strstr(at, "\r\n"))
		*at = ' ';
}

static int refuse(struct mistakes *mistakes, const char *file, int line, const char *message)
{
	mistakes_add(mistakes, (struct place){ file, line }, "%s", message);
	return -EINVAL;
}

static int count_lines(const char *text, const char *end)
{
	int line = 1;

	for (const char *at = text; at < end; at++)
		line += *at == '\n';
	return line;
}

/*
 * A file cut short inside of a word that stands without quotes would mean something
 * else: 100 where there was 10000. Whatever else it may end in says that it is whole.
 */
static bool ends_in_word(const char *text, size_t length)
{
	return length > 0 && !strchr(" \t\n}\"'", text[length - 1]);
}

int config_text_prepare(char *text, size_t length, const char *file, struct mistakes *mistakes)
{
	struct scan scan = { .at = text, .line = 1 };
	const char *zero = memchr(text, '\0', length);

	if (zero)
		return refuse(mistakes, file, count_lines(text, zero),
			      "a zero byte: this is no text");

	blank_foreign_marks(text);
	while (*scan.at) {
		int line = scan.line;
		const char *message = step(&scan);

		if (message)
			return refuse(mistakes, file, line, message);
	}

	if (scan.depth > 0)
		return refuse(mistakes, file, scan.open_at[scan.depth - 1],
			      "this '{' is never closed");
	if (ends_in_word(text, length))
		return refuse(mistakes, file, scan.line,
			      "the last line is not ended: the file may be cut short");
	return 0;
}
