#include "command/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/explanations.h"
#include "config/errors.h"
#include "config/foreign-words.h"
#include "config/option.h"
#include "config/schema.h"

int explain_print(const char *name)
{
	const char *nearest = schema_nearest(name, SECTION_ROOT | SECTION_SERVICE);
	const char *quoted = errors_quote(name);

	for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
		if (strcmp(explanations[i].name, name) != 0)
			continue;
		fputs(explanations[i].text, stdout);
		return 0;
	}

	if (foreign_option(name))
		fprintf(stderr, "superd: there is no option '%s'; %s\n", quoted,
			foreign_option(name));
	else if (nearest)
		fprintf(stderr, "superd: there is no option '%s'; did you mean '%s'?\n", quoted,
			nearest);
	else
		fprintf(stderr, "superd: there is no option '%s'; see superd.conf(5)\n", quoted);
	return -ENOENT;
}
