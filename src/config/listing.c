#include "config/listing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "config/builtin.h"
#include "config/draft.h"
#include "config/settings.h"
#include "config/word-table.h"

static char *endpoints_of(const struct draft *draft)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < draft->listen.n; i++)
		fprintf(stream, "%s%s", i > 0 ? " " : "", errors_quote(draft->listen.list[i].text));
	return fclose(stream) == 0 ? text : NULL;
}

static char *answer_of(const struct draft *draft)
{
	const char *user = draft->user ? errors_quote(draft->user) : NULL;
	char *text;
	int r;

	if (draft->own[OPTION_BUILTIN])
		r = asprintf(&text, "built-in %s", builtin_name(draft->builtin));
	else if (draft->exec.n > 0)
		r = asprintf(&text, "%s (%s%s%s)", errors_quote(draft->exec.list[0].text),
			     dispatch_name(draft->dispatch), user ? " as " : "", user ?: "");
	else
		r = asprintf(&text, "nothing");
	return r < 0 ? NULL : text;
}

int listing_add(struct settings *settings, const struct draft *draft)
{
	struct listed_service *service;

	if (array_make_room(settings->listed, settings->n_listed, settings->listed_room) < 0)
		return -ENOMEM;
	service = &settings->listed[settings->n_listed++];
	*service = (struct listed_service){
		.name = strdup(draft->name),
		.endpoints = endpoints_of(draft),
		.answer = answer_of(draft),
		.enabled = draft->enabled,
	};
	return service->name && service->endpoints && service->answer ? 0 : -ENOMEM;
}
