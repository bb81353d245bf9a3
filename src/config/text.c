#include "config/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "config/errors.h"
#include "config/schema.h"

/* More than two is always an error, for which the syntax has a better message. */
#define DEPTH_MAX 32

#define NEVER_CLOSED "this '{' is never closed"

struct scan {
	const char *file;
	struct errors *errors;
	const char *text;
	char *at;
	int line;
	int depth;
	int open_at[DEPTH_MAX];  /* the line of each brace */
	bool is_list[DEPTH_MAX]; /* otherwise it began a section */
	int blamed;              /* the line of the error, unless 0: that of the text at hand */

	char *whole;          /* where the last statement ended that is whole */
	char *before_section; /* the end of the last whole statement before the last section */
	bool assigns;         /* this line has an '=' outside of braces */

	const char *reported; /* the last message, and its line */
	int reported_at;
};

bool config_text_is_word(char c)
{
	return c == CONFIG_TEXT_REPORTED || isalnum((unsigned char)c) ||
	       (c && strchr("_-./:@%[]*", c));
}

static void report(struct scan *scan, int line, const char *message)
{
	if (message == scan->reported && line == scan->reported_at)
		return;
	errors_add(scan->errors, (struct location){ scan->file, line }, "%s", message);
	scan->reported = message;
	scan->reported_at = line;
}

/* For errors that do not affect where strings and sections end, so that the scan can go on. */
static void report_and_mark(struct scan *scan, char *at, const char *message)
{
	report(scan, scan->line, message);
	*at = CONFIG_TEXT_REPORTED;
}

/*
 * Each of these moves past one piece of text. It returns NULL, or an error after which the rest of
 * the text cannot be trusted.
 */

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

/* Accepts the escapes that libconfuse reads as C does. It would ignore the others silently. */
static const char *check_escape(struct scan *scan)
{
	if (digit_of(*scan->at) < 8)
		return number_escape(scan, 8, 3);
	if (*scan->at == 'x' && digit_of(scan->at[1]) < 16) {
		scan->at++;
		return number_escape(scan, 16, 2);
	}
	if (!*scan->at || !strchr("\"'\\$abefnrtv", *scan->at))
		return "in double quotes, a backslash goes before one of "
		       "\" ' \\ $ a b e f n r t v, an octal number, or x and a hexadecimal one";
	scan->at++;
	return NULL;
}

static void escape(struct scan *scan)
{
	char *backslash = scan->at++;
	const char *message;

	if (!*scan->at || *scan->at == '\n')
		return;
	message = check_escape(scan);
	if (message)
		report_and_mark(scan, backslash, message);
}

static const char *string(struct scan *scan)
{
	char quote = *scan->at++;

	while (*scan->at != quote) {
		if (!*scan->at || *scan->at == '\n')
			return "this line ends inside a string";
		if (quote == '"' && *scan->at == '\\')
			escape(scan);
		else if (*scan->at == '\\' && (scan->at[1] == '\\' || scan->at[1] == '\''))
			scan->at += 2;
		else if ((unsigned char)*scan->at < ' ' && *scan->at != '\t')
			report_and_mark(scan, scan->at++,
					"a string cannot hold this control character; write it as "
					"'\\x..'");
		else
			scan->at++;
	}

	scan->at++;
	return NULL;
}

static bool is_behind_equals(const char *text, const char *at)
{
	while (at > text && strchr(" \t\n", at[-1]))
		at--;
	return at > text && at[-1] == '=';
}

static const char *brace(struct scan *scan)
{
	if (*scan->at++ == '{') {
		if (scan->depth == DEPTH_MAX)
			return "sections are nested too deeply";
		if (scan->depth == 0)
			scan->before_section = scan->whole;
		scan->is_list[scan->depth] = is_behind_equals(scan->text, scan->at - 1);
		scan->open_at[scan->depth++] = scan->line;
		return NULL;
	}

	if (scan->depth == 0) {
		/* Probably an earlier '}' closed the section too early. */
		scan->whole = scan->before_section;
		return "this '}' closes nothing";
	}
	if (--scan->depth == 0)
		scan->whole = scan->at;
	return NULL;
}

/* A list may stand on the line after the '='. */
static bool has_value(const struct scan *scan)
{
	const char *end = scan->at;

	while (end > scan->text && strchr(" \t", end[-1]))
		end--;
	return scan->assigns && end > scan->text && end[-1] != '=';
}

static const char *line_end(struct scan *scan)
{
	bool assigned = scan->depth == 0 && has_value(scan);

	scan->line++;
	scan->at++;
	if (assigned)
		scan->whole = scan->at;
	scan->assigns = false;
	return NULL;
}

/* Whether an option is set in a list that began on an earlier line: its '}' was forgotten. */
static bool sets_option_in_list(const struct scan *scan)
{
	const char *end = scan->at;
	const char *word;

	if (scan->depth < 2 || !scan->is_list[scan->depth - 1] ||
	    scan->open_at[scan->depth - 1] == scan->line)
		return false;
	while (end > scan->text && strchr(" \t", end[-1]))
		end--;
	for (word = end; word > scan->text && config_text_is_word(word[-1]);)
		word--;
	return schema_find(word, end - word) >= 0;
}

/* One of U+2018 to U+201F, which word processors and web pages make of quotes. */
static bool is_typographic_quote(const char *at)
{
	return strncmp(at, "\xe2\x80", 2) == 0 && (at[2] & 0xf8) == 0x98;
}

static const char *typographic_quote(struct scan *scan)
{
	for (int i = 0; i < 3; i++)
		report_and_mark(scan, scan->at++,
				"quotes are written with the plain characters '\"' and \"'\"");
	return NULL;
}

static const char *other(struct scan *scan)
{
	unsigned char c = *scan->at;

	if (c == '=' && sets_option_in_list(scan)) {
		scan->blamed = scan->open_at[scan->depth - 1];
		return NEVER_CLOSED;
	}

	if (is_typographic_quote(scan->at))
		return typographic_quote(scan);
	if ((c < ' ' && c != '\t') || c == 0x7f)
		report_and_mark(scan, scan->at,
				"a control character stands here, outside of quotes");
	else if (c > 0x7f)
		report_and_mark(scan, scan->at,
				"only ASCII text can stand outside of quotes and comments");
	scan->assigns |= c == '=' && scan->depth == 0;
	scan->at++;
	return NULL;
}

/* Whether the line says `include PATH`, as in other configurations. */
static bool includes_without_equals(const struct scan *scan)
{
	const char *line = scan->at;

	while (line > scan->text && line[-1] != '\n')
		line--;
	line += strspn(line, " \t");
	return strncmp(line, "include", 7) == 0 && line[7] && strchr(" \t", line[7]) &&
	       !memchr(line, '=', scan->at - line);
}

/* A word such as http://host would otherwise lose the part that looks like a comment. */
static const char *comment(struct scan *scan, size_t mark)
{
	const char *behind = scan->at + mark;

	if (scan->at > scan->text && config_text_is_word(scan->at[-1]) &&
	    (config_text_is_word(*behind) || *behind == '#')) {
		report_and_mark(scan, scan->at++,
				includes_without_equals(scan)
					? "'=' is missing after 'include': write 'include = "
					  "{\"/PATH/*.conf\"}'"
					: "a value with '#', '//' or '/*' in it needs quotes, and "
					  "a comment a space before it");
		return NULL;
	}
	return strncmp(scan->at, "/*", 2) == 0 ? block_comment(scan) : line_comment(scan);
}

static const char *step(struct scan *scan)
{
	if (*scan->at == '#')
		return comment(scan, 1);
	if (strncmp(scan->at, "//", 2) == 0 || strncmp(scan->at, "/*", 2) == 0)
		return comment(scan, 2);
	if (*scan->at == '"' || *scan->at == '\'')
		return string(scan);
	if (*scan->at == '{' || *scan->at == '}')
		return brace(scan);
	return *scan->at == '\n' ? line_end(scan) : other(scan);
}

/* Blanks what editors of other systems write: a byte order mark, and carriage returns. */
static void blank_foreign_marks(char *text)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		memset(text, ' ', 3);
	for (char *at = strstr(text, "\r\n"); at; at = strstr(at, "\r\n"))
		*at = ' ';
}

static int count_lines(const char *text, const char *end)
{
	int line = 1;

	for (const char *at = text; at < end; at++)
		line += *at == '\n';
	return line;
}

/*
 * A file that was cut inside a word without quotes would have another meaning: 100 instead of
 * 10000. Every other cut is found by its braces, quotes or comments.
 */
static bool ends_in_word(const char *text, size_t length)
{
	return length > 0 && !strchr(" \t\n}\"'", text[length - 1]);
}

/* Returns whether the text can be trusted to its end. */
static bool scan_text(struct scan *scan, const char *text, size_t length)
{
	while (*scan->at) {
		int line = scan->line;
		const char *message = step(scan);

		if (message) {
			report(scan, scan->blamed ? scan->blamed : line, message);
			return false;
		}
	}

	if (scan->depth > 0)
		report(scan, scan->open_at[scan->depth - 1], NEVER_CLOSED);
	else if (ends_in_word(text, length))
		report(scan, scan->line, "the last line has no end: the file may be cut short");
	else
		return true;
	return false;
}

int config_text_prepare(char *text, size_t length, const char *file, struct errors *errors)
{
	struct scan scan = {
		.file = file,
		.errors = errors,
		.text = text,
		.at = text,
		.line = 1,
		.whole = text,
		.before_section = text,
	};
	const char *zero = memchr(text, '\0', length);

	if (zero) {
		report(&scan, count_lines(text, zero), "a zero byte: this is not text");
		*text = '\0';
		return -EINVAL;
	}

	blank_foreign_marks(text);
	if (scan_text(&scan, text, length))
		return scan.reported ? -EINVAL : 0;
	*scan.whole = '\0';
	return -EINVAL;
}
