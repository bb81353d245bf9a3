#pragma once

/* For tests of settings: a file in a folder of its own, and what superd reads in it. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/load.h"
#include "config/settings.h"
#include "config/sources.h"

static char folder[] = "/tmp/superd-test-settings-XXXXXX";
static char path[PATH_MAX];

static const struct load_options as_root = { .port_base = -1, .privileged = true };

static inline int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/superd.conf", folder);
	return log_open(LOG_TO_FILE, "/dev/null");
}

static inline int remove_folder(void **state)
{
	(void)unlink(path);
	return rmdir(folder);
}

static inline void write_file(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	/* Root needs one, and the machine may not have the user superd. */
	if (!strstr(text, "front_user"))
		assert_true(fputs("front_user = 65533 ", file) > 0);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* NULL if it is refused. Without the rehearsal, for speed. */
static inline struct settings *parse(const char *text, size_t length)
{
	struct settings *settings = NULL;
	struct sources *sources;

	write_file(text, length);
	if (sources_read(&sources, path) < 0)
		return NULL;
	if (parse_run(&settings, sources, NULL, &as_root, false) < 0)
		settings = NULL;
	sources_free(sources);
	return settings;
}

static inline struct settings *parse_text(const char *text)
{
	return parse(text, strlen(text));
}
