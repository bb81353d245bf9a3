#pragma once

/* Settings from text that a test knows to be good, without a file. */

/* Release builds ask as well. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "config/settings.h"
#include "config/sources.h"
#include "config/text.h"

static inline struct settings *settings_from_text(const char *text)
{
	const struct load_options options = { .port_base = -1 };
	struct source source = { .path = (char *)"test.conf", .text = strdup(text) };
	struct sources sources = { .list = &source, .n = 1 };
	struct errors errors = { 0 };
	struct settings *settings;
	int r;

	r = config_text_prepare(source.text, strlen(text), source.path, &errors);
	assert(r == 0);
	r = parse_run(&settings, &sources, NULL, &options, false);
	assert(r == 0);
	errors_fini(&errors);
	free(source.text);
	return settings;
}
