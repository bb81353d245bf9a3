#include "base/process-title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "superd: "

static char *area;
static size_t size;

/*
 * The kernel puts all strings one behind the other. Those of @list begin at @end. Returns where
 * they end.
 */
static char *end_of(char **list, char *end)
{
	for (; *list && *list == end; list++)
		end += strlen(end) + 1;
	return end;
}

/* In one piece of memory, so that what unsetenv() takes out of the list is not lost. */
static char **copy(char **list)
{
	size_t n = 0, bytes = 0;
	char **copies;
	char *text;

	for (; list[n]; n++)
		bytes += strlen(list[n]) + 1;
	copies = malloc((n + 1) * sizeof(*copies) + bytes);
	if (!copies)
		return NULL;
	text = (char *)(copies + n + 1);
	for (size_t i = 0; i < n; i++) {
		copies[i] = text;
		text = stpcpy(text, list[i]) + 1;
	}
	copies[n] = NULL;
	return copies;
}

void process_title_init(int argc, char **argv)
{
	char *end, *last;
	char **copies;

	if (argc == 0 || area)
		return;
	end = end_of(argv, argv[0]);
	last = environ ? end_of(environ, end) : end;
	copies = last > end ? copy(environ) : NULL;
	if (copies) {
		environ = copies;
		/* It may hold secrets, and is nowhere else looked for. */
		explicit_bzero(end, (size_t)(last - end));
		end = last;
	}
	area = argv[0];
	size = (size_t)(end - area);
}

void process_title_set(const char *title)
{
	if (!area)
		return;
	memset(area, 0, size);
	(void)snprintf(area, size, HEAD "%s", title);
}
