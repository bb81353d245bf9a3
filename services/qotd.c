/*
 * The quote of the day of RFC 865: one short text for every client, and another one each day.
 *
 * With a file as its argument the texts come from that file. They are separated by lines that
 * contain only '%', as in the files of fortune(6). A text that the RFC does not allow (too long,
 * not ASCII) is skipped.
 */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum {
	QUOTE_MAX = 511, /* "less than 512 characters", on streams and in datagrams alike */
	SECONDS_A_DAY = 24 * 60 * 60,
	DRAIN_MS = 1000,
};

struct quote {
	char bytes[QUOTE_MAX];
	size_t length;
	bool unfit;
};

static const char *const built_in[] = {
	"Simplicity is prerequisite for reliability.\r\n\t-- Edsger W. Dijkstra\r\n",
	"Controlling complexity is the essence of computer programming.\r\n"
	"\t-- Brian W. Kernighan\r\n",
	"Premature optimization is the root of all evil.\r\n\t-- Donald E. Knuth\r\n",
	"The most damaging phrase in the language is: it's always been done that way.\r\n"
	"\t-- Grace M. Hopper\r\n",
	"Be conservative in what you do, be liberal in what you accept from others.\r\n"
	"\t-- Jonathan B. Postel\r\n",
	"When in doubt, use brute force.\r\n\t-- Ken Thompson\r\n",
	"A little copying is better than a little dependency.\r\n\t-- Rob Pike\r\n",
};

static void take_character(struct quote *quote, char c)
{
	bool allowed = (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n';

	if (allowed && quote->length < sizeof(quote->bytes))
		quote->bytes[quote->length++] = c;
	else
		quote->unfit = true;
}

/* Lines of the file end in LF, those of the network in CR LF. */
static void take_line(struct quote *quote, const char *line, size_t length)
{
	bool ended = length > 0 && line[length - 1] == '\n';

	for (size_t i = 0; i < length - ended; i++)
		take_character(quote, line[i]);
	if (ended) {
		take_character(quote, '\r');
		take_character(quote, '\n');
	}
}

/* Reads up to the next '%' line. Returns false at the end of the file. */
static bool read_quote(FILE *file, struct quote *quote, char **line, size_t *size)
{
	ssize_t length;

	*quote = (struct quote){ .length = 0 };
	while ((length = getline(line, size, file)) >= 0) {
		if (strcmp(*line, "%\n") == 0)
			return true;
		take_line(quote, *line, (size_t)length);
	}
	return quote->length > 0;
}

/* Stops at the @n-th allowed quote, which is then in @out. Returns how many it has read. */
static unsigned long seek(FILE *file, unsigned long n, struct quote *out)
{
	unsigned long seen = 0;
	char *line = NULL;
	size_t size = 0;

	while (seen < n && read_quote(file, out, &line, &size))
		seen += !out->unfit && out->length > 0;
	free(line);
	return seen;
}

static int quote_from_file(const char *path, unsigned long day, struct quote *out)
{
	FILE *file = fopen(path, "re");
	unsigned long n_quotes;

	if (!file)
		return -errno;

	n_quotes = seek(file, ULONG_MAX, out);
	if (n_quotes > 0 && fseek(file, 0, SEEK_SET) == 0)
		seek(file, day % n_quotes + 1, out);
	fclose(file);
	return n_quotes > 0 ? 0 : -ENODATA;
}

static void quote_built_in(unsigned long day, struct quote *out)
{
	const char *text = built_in[day % (sizeof(built_in) / sizeof(built_in[0]))];

	out->length = strlen(text);
	memcpy(out->bytes, text, out->length);
}

int main(int argc, char **argv)
{
	unsigned long day = (unsigned long)(time(NULL) / SECONDS_A_DAY);
	struct quote quote = { .length = 0 };

	if (!client_may_be_answered(STDOUT_FILENO))
		return EXIT_SUCCESS;

	if (argc < 2 || quote_from_file(argv[1], day, &quote) < 0)
		quote_built_in(day, &quote);
	if (client_write(STDOUT_FILENO, quote.bytes, quote.length) < 0)
		return EXIT_FAILURE;
	client_finish(STDOUT_FILENO, DRAIN_MS);
	return EXIT_SUCCESS;
}
