#include "command/check.h"

#include <stdio.h>

#include "base/text.h"
#include "config/settings.h"

void check_print(const char *path, const struct settings *settings)
{
	char services[TEXT_COUNT_MAX], listeners[TEXT_COUNT_MAX];

	printf("%s: ok: %s, %s", path, text_count(services, settings->n_services, "service"),
	       text_count(listeners, settings->n_endpoints, "listener"));
	if (settings->n_disabled)
		printf(", %zu disabled", settings->n_disabled);
	putchar('\n');
}
