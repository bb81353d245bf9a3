#include "config/mistakes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* As many as an administrator reads in a log; a file of another kind has one a line. */
#define SAID_MAX 100
#define KEPT_MAX 10000

#define QUOTES 4
#define QUOTE_MAX 200

void mistakes_fini(struct mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->n; i++)
		free(mistakes->list[i].message);
	free(mistakes->list);
	*mistakes = (struct mistakes){ 0 };
}

static bool make_room(struct mistakes *mistakes)
{
	size_t wanted = mistakes->allocated ? 2 * mistakes->allocated : 16;
	struct mistake *list;

	if (mistakes->n == KEPT_MAX)
		return false;
	if (mistakes->n < mistakes->allocated)
		return true;

	list = realloc(mistakes->list, wanted * sizeof(*list));
	if (!list)
		return false;

	mistakes->list = list;
	mistakes->allocated = wanted;
	return true;
}

void mistakes_add(struct mistakes *mistakes, struct place at, const char *fmt, ...)
{
	struct mistake mistake = { .at = at };
	va_list ap;
	int r;

	if (!mistakes)
		return;

	va_start(ap, fmt);
	r = make_room(mistakes) ? vasprintf(&mistake.message, fmt, ap) : -1;
	va_end(ap);
	if (r < 0) {
		mistakes->unsaid++;
		return;
	}

	mistakes->list[mistakes->n++] = mistake;
}

static int compare(const void *one, const void *other)
{
	const struct mistake *a = one, *b = other;
	int order = strcmp(a->at.file, b->at.file);

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return strcmp(a->message, b->message);
}

/* What is wrong with the defaults was found once for each service. */
static void drop_repeated(struct mistakes *mistakes)
{
	size_t kept = 0;

	for (size_t i = 0; i < mistakes->n; i++) {
		struct mistake *last = kept ? &mistakes->list[kept - 1] : NULL;
		struct mistake *mistake = &mistakes->list[i];

		if (last && last->at.line == mistake->at.line &&
		    strcmp(last->at.file, mistake->at.file) == 0 &&
		    strcmp(last->message, mistake->message) == 0)
			free(mistake->message);
		else
			mistakes->list[kept++] = *mistake;
	}
	mistakes->n = kept;
}

static void sort(struct mistakes *mistakes)
{
	if (mistakes->n > 1)
		qsort(mistakes->list, mistakes->n, sizeof(*mistakes->list), compare);
}

int mistakes_report(struct mistakes *mistakes, bool all)
{
	size_t said, more;

	sort(mistakes);
	drop_repeated(mistakes);
	said = all || mistakes->n < SAID_MAX ? mistakes->n : SAID_MAX;
	more = mistakes->n - said + mistakes->unsaid;

	for (size_t i = 0; i < said; i++) {
		const struct mistake *mistake = &mistakes->list[i];

		log_error(0, "%s:%d: %s", mistake->at.file, mistake->at.line, mistake->message);
	}
	if (more)
		log_error(0, said ? "%zu more mistakes" : "%zu mistakes, and no memory to say them",
			  more);
	return said || more ? -EINVAL : 0;
}

const char *mistakes_quote_part(const char *text, size_t length)
{
	static char quotes[QUOTES][QUOTE_MAX];
	static unsigned next;

	return text_escape(quotes[next++ % QUOTES], QUOTE_MAX, text, length);
}

const char *mistakes_quote(const char *text)
{
	return mistakes_quote_part(text, strlen(text));
}
