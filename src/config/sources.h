#pragma once

/* What sources_read() has read, for those who parse it. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "config/load.h"
#include "config/errors.h"

struct source {
	char *path;
	char *text; /* NULL if it could not be read; prepared by config_text_prepare() */
	bool whole; /* nothing is wrong with it */
	dev_t device;
	ino_t inode;
	struct location included; /* by whom; nowhere for the first */
};

/* The first is the main file; the others in the order of their inclusion. */
struct sources {
	struct source *list;
	size_t n;
	size_t allocated;
	size_t bytes;
	struct errors errors;
};
