#pragma once

/*
 * The built-ins, as far as all parts of superd must know them: a row of the table has a name and
 * what is true of one. Nobody asks which built-in it is.
 */

#include <stdbool.h>

struct word_table;

enum builtin_kind {
	BUILTIN_NONE,
	BUILTIN_ECHO,
	BUILTIN_DISCARD,
	BUILTIN_CHARGEN,
	BUILTIN_DAYTIME,
	BUILTIN_TIME,
	BUILTIN_COUNT,
};

/* The traits. */
enum {
	BUILTIN_ONCE = 1 << 0,        /* closes after the first answer */
	BUILTIN_ENDLESS = 1 << 1,     /* its answer never ends */
	BUILTIN_SILENT = 1 << 2,      /* answers nothing */
	BUILTIN_OOB_INLINE = 1 << 3,  /* takes urgent data for data */
	BUILTIN_MAY_AMPLIFY = 1 << 4, /* its datagrams may be longer than what came: `amplify` */
};

extern const struct word_table builtin_words;

/* Whether one of @traits is true of @kind. */
bool builtin_has(enum builtin_kind kind, unsigned traits);

/* "'chargen'": all that have one of @traits; see word_table_list(). */
const char *builtin_list(unsigned traits);
