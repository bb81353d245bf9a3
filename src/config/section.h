#pragma once

/* Reads the assignments of a statement into a struct root or a struct draft by the schema. */

#include "config/schema.h"
#include "config/syntax.h"

struct arena;
struct decoder;

struct section {
	enum section_kind kind;
	const char *file;
	const char *subject; /* of messages: "service 'x'", "'defaults'", "top level" */
	void *fields;
	struct location *at;
	bool *own;
};

struct section_reader {
	struct errors *errors;
	struct arena *arena;
	struct decoder *decoder;
};

/* Adds the errors it finds, and takes what is right. May drop assignments of @statement. */
void section_read(const struct section_reader *reader, const struct section *section,
		  struct statement *statement);
