#include "config/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/text.h"

/* An administrator does not read more in a log. A file that is no configuration has one a line. */
#define SHOWN_MAX 100
#define COLLECTED_MAX 10000

#define QUOTES 4
#define QUOTE_MAX 200

void errors_fini(struct errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		free(errors->list[i].message);
	free(errors->list);
	*errors = (struct errors){ 0 };
}

void errors_add(struct errors *errors, struct location at, const char *fmt, ...)
{
	struct error error = { .at = at };
	va_list ap;
	int r;

	if (!errors)
		return;

	va_start(ap, fmt);
	r = errors->n < COLLECTED_MAX ? array_make_room(errors->list, errors->n, errors->room) : -1;
	if (r == 0)
		r = vasprintf(&error.message, fmt, ap);
	va_end(ap);
	if (r < 0) {
		errors->unreported++;
		return;
	}

	errors->list[errors->n++] = error;
}

static int compare(const void *one, const void *other)
{
	const struct error *a = one, *b = other;
	int order = strcmp(a->at.file, b->at.file);

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return strcmp(a->message, b->message);
}

/* An error in the defaults is found once for each service. */
static void drop_repeated(struct errors *errors)
{
	size_t kept = 0;

	for (size_t i = 0; i < errors->n; i++) {
		struct error *error = &errors->list[i];

		if (kept > 0 && compare(error, &errors->list[kept - 1]) == 0)
			free(error->message);
		else
			errors->list[kept++] = *error;
	}
	errors->n = kept;
}

int errors_report(struct errors *errors, bool all)
{
	size_t shown, more;

	if (errors->n > 1)
		qsort(errors->list, errors->n, sizeof(*errors->list), compare);
	drop_repeated(errors);
	shown = all || errors->n < SHOWN_MAX ? errors->n : SHOWN_MAX;
	more = errors->n - shown + errors->unreported;

	for (size_t i = 0; i < shown; i++) {
		const struct error *error = &errors->list[i];

		log_error(0, "%s:%d: %s", error->at.file, error->at.line, error->message);
	}
	if (more)
		log_error(0, shown ? "%zu more errors" : "%zu errors, and no memory to show them",
			  more);
	return shown || more ? -EINVAL : 0;
}

const char *errors_quote_part(const char *text, size_t length)
{
	static char quotes[QUOTES][QUOTE_MAX];
	static unsigned next;

	return text_escape(quotes[next++ % QUOTES], QUOTE_MAX, text, length);
}

const char *errors_quote(const char *text)
{
	return errors_quote_part(text, strlen(text));
}
