#include "command/list.h"

#include <stdio.h>
#include <string.h>

#include "config/settings.h"

/* Wider values move the rest of their line. */
#define COLUMN_MAX 48

static int wider(int width, const char *text)
{
	int length = (int)strlen(text);

	return length > width && length <= COLUMN_MAX ? length : width;
}

void list_print(const struct settings *settings)
{
	int name = wider(0, "SERVICE"), answer = wider(0, "ANSWERS");

	for (size_t i = 0; i < settings->n_listed; i++) {
		name = wider(name, settings->listed[i].name);
		answer = wider(answer, settings->listed[i].answer);
	}

	printf("%-*s  %-7s  %-*s  %s\n", name, "SERVICE", "ENABLED", answer, "ANSWERS", "LISTEN");
	for (size_t i = 0; i < settings->n_listed; i++) {
		const struct listed_service *service = &settings->listed[i];

		printf("%-*s  %-7s  %-*s  %s\n", name, service->name,
		       service->enabled ? "yes" : "no", answer, service->answer,
		       service->endpoints);
	}
}
