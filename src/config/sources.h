#pragma once

/* The text of a configuration: a file and all that it includes, each read once. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

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
	size_t room;
	size_t bytes;
	struct errors errors;
};

/*
 * Reads @path and all that it includes, blanks comments, checks quotes and braces.
 * The errors stay with the sources: whoever parses them reports these with its own.
 * Returns 0, or after logging why, a negative errno where @path itself cannot be read.
 * Does not block: what is no regular file is refused.
 */
int sources_read(struct sources **out, const char *path);
void sources_free(struct sources *sources);
