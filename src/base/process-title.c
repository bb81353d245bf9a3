#include "base/process-title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "superd: "

static char *area;
static size_t size;

/* The kernel puts all strings one behind the other. Returns where those of @list, from @end, end.
 */
static char *end_of(char **list, char *end)
{
	for (; *list && *list == end; list++)
		end += strlen(end) + 1;
	return end;
}

static char **copy(char **list)
{
	size_t n = 0;
	char **copies;

	while (list[n])
		n++;
	copies = calloc(n + 1, sizeof(*copies));
	for (size_t i = 0; copies && i < n; i++) {
		copies[i] = strdup(list[i]);
		if (copies[i])
			continue;
		while (i > 0)
			free(copies[--i]);
		free(copies);
		return NULL;
	}
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
