#pragma once

/* Reads the assignments of a statement into a struct root or a struct draft. */

#include "config/errors.h"
#include "config/option.h"

struct arena;
struct decoder;
struct statement;

struct section {
	struct errors *errors;
	struct arena *arena;
	struct decoder *decoder;

	enum section_kind kind;
	const char *file;
	const char *subject; /* for messages: "service 'x'", "'defaults'", "top level" */
	void *fields;
	struct location *at;
	bool *own;
	bool *bad;
};

/*
 * Stores the assignments that are right, and adds errors about the others. Returns whether all
 * options are known.
 */
bool section_read(const struct section *section, struct statement *statement);
