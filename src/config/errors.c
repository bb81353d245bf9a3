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

void errors_note(struct errors *errors, bool is_warning, struct location at, const char *fmt, ...)
{
	struct error error = { .at = at, .is_warning = is_warning };
	va_list ap;
	int r = -1;

	if (!errors)
		return;

	va_start(ap, fmt);
	if (errors->n < COLLECTED_MAX)
		r = array_make_room(errors->list, errors->n, errors->room);
	if (r == 0)
		r = vasprintf(&error.message, fmt, ap);
	va_end(ap);
	if (r >= 0)
		errors->list[errors->n++] = error;
	else if (!is_warning)
		errors->unreported++;
}

void errors_soften(struct errors *errors, size_t first)
{
	for (size_t i = first; i < errors->n; i++)
		errors->list[i].is_warning = true;
}

void errors_harden(struct errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		errors->list[i].is_warning = false;
}

void errors_drop_warnings(struct errors *errors)
{
	size_t kept = 0;

	for (size_t i = 0; i < errors->n; i++)
		if (errors->list[i].is_warning)
			free(errors->list[i].message);
		else
			errors->list[kept++] = errors->list[i];
	errors->n = kept;
}

bool errors_exist(const struct errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		if (!errors->list[i].is_warning)
			return true;
	return errors->unreported > 0;
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

static void show(const struct error *error)
{
	const char *kind = error->is_warning ? "warning: " : "";
	int level = error->is_warning ? LOG_WARNING : LOG_ERR;

	if (error->at.line)
		(void)log_event(level, NULL, 0, "%s:%d: %s%s", error->at.file, error->at.line, kind,
				error->message);
	else
		(void)log_event(level, NULL, 0, "%s: %s%s", error->at.file, kind, error->message);
}

int errors_report(struct errors *errors, bool all)
{
	size_t n[2] = { 0 }; /* errors, warnings */
	size_t max = all ? COLLECTED_MAX : SHOWN_MAX;
	size_t more;

	if (errors->n > 1)
		qsort(errors->list, errors->n, sizeof(*errors->list), compare);
	drop_repeated(errors);
	for (size_t i = 0; i < errors->n; i++)
		if (n[errors->list[i].is_warning]++ < max)
			show(&errors->list[i]);

	more = errors->unreported + (n[0] > max ? n[0] - max : 0);
	if (more)
		log_error(0, n[0] ? "%zu more errors" : "%zu errors, and no memory to show them",
			  more);
	if (n[1] > max)
		log_warning(0, "%zu more warnings", n[1] - max);
	return n[0] || more ? -EINVAL : 0;
}

static char *next_quote(void)
{
	static char quotes[QUOTES][QUOTE_MAX];
	static unsigned next;

	return quotes[next++ % QUOTES];
}

const char *errors_quote_part(const char *text, size_t length)
{
	return text_escape(next_quote(), QUOTE_MAX, text, length);
}

const char *errors_quote(const char *text)
{
	return errors_quote_part(text, strlen(text));
}

const char *errors_quote_string(const char *text, size_t length)
{
	return text_escape_name(next_quote(), QUOTE_MAX, text, length);
}
