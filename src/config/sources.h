#pragma once

/* The text of a configuration: the main file and all included files. Each is read once. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "config/errors.h"

struct source {
	char *path;
	char *text;  /* NULL if it could not be read; prepared by config_text_prepare() */
	size_t room; /* of the text */
	bool whole;  /* read to its end, without an error */
	dev_t device;
	ino_t inode;
	struct location included; /* where it is included; line 0 for the main file */
};

/* The main file, and the others in the order in which they are included. */
struct sources {
	struct source *list;
	size_t n;
	size_t room;
	size_t bytes;
	struct errors errors;
};

/*
 * Reads @path and all that it includes, blanks comments, and checks quotes and braces. Keeps the
 * errors, which are reported together with those of the parse. Returns 0. If @path itself cannot be
 * read, logs why and returns a negative errno. Never blocks, and refuses files that are not
 * regular.
 */
int sources_read(struct sources **out, const char *path);
void sources_free(struct sources *sources);

/* Keep the files among the answers of the rehearsal, and take them from there: see answers.h. */
void sources_keep(const struct sources *sources);
int sources_take(struct sources **out);
