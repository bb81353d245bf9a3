#pragma once

/*
 * Splits prepared text into statements: an assignment at top level, or a section with its
 * assignments. After an error it goes on with the next statement. It knows nothing of the meaning
 * of values, and leaves their quotes and escapes to libconfuse.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/errors.h"
#include "config/token.h"

struct assignment {
	struct token name;
	size_t first; /* of its values, in the statement's */
	size_t n_values;
	bool is_list;
	int option; /* set by section.c; negative: refused */
};

struct statement {
	struct token keyword; /* of a section; empty for an assignment at top level */
	struct token title;   /* empty: none */
	bool broken;          /* errors were reported: something is missing here */
	size_t first_error;   /* in the errors of the syntax: those before belong to others */

	struct assignment *assignments;
	size_t n_assignments;
	size_t assignments_room;
	struct token *values;
	size_t n_values;
	size_t values_room;
};

struct syntax {
	const char *file;
	struct errors *errors;
	int depth; /* how many braces are open before the token */
	enum token_kind kind;
	struct token token;
	struct statement statement;
};

/* @text must be prepared; NULL is an empty text. @errors may be NULL. */
void syntax_init(struct syntax *syntax, const char *text, const char *file, struct errors *errors);
void syntax_fini(struct syntax *syntax);

/* Returns the next statement, which is valid until the next call, or NULL at the end. */
struct statement *syntax_next(struct syntax *syntax);
