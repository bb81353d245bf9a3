#pragma once

/*
 * What all parts of superd must know of the built-ins. A row of the table has the name and the
 * traits of one. Other code asks for a trait, and never for a certain built-in.
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
	BUILTIN_OOB_INLINE = 1 << 3,  /* reads urgent data as ordinary data */
	BUILTIN_MAY_AMPLIFY = 1 << 4, /* an answer may be longer than its datagram: `amplify` */
};

extern const struct word_table builtin_words;

const char *builtin_name(enum builtin_kind kind);

/* Whether @kind has one of @traits. */
bool builtin_has(enum builtin_kind kind, unsigned traits);

/* The built-ins with one of @traits, such as "'chargen'". See word_table_list(). */
const char *builtin_list(unsigned traits);
