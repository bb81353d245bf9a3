#pragma once

/* Words that stand for small numbers: the index of a word in its table is its meaning. */

#include <stddef.h>

struct word_table {
	const char *const *first; /* NULL: cannot be written */
	size_t stride;            /* bytes from one word to the next */
	size_t n;
};

/* For an array of words, and for a table whose rows have the words in their field `name`. */
#define WORD_TABLE(array)                                                   \
	{                                                                   \
		(array), sizeof(*(array)), sizeof(array) / sizeof(*(array)) \
	}
#define WORD_TABLE_OF_ROWS(table)                                                  \
	{                                                                          \
		&(table)->name, sizeof(*(table)), sizeof(table) / sizeof(*(table)) \
	}

/* Returns the index of @text, or -1. */
int word_table_find(const struct word_table *words, const char *text);
int word_table_find_any_case(const struct word_table *words, const char *text);

/*
 * "'dispatch = pool' and 'dispatch = pass'": the words whose bits are set in @mask, each behind
 * @prefix, with @conjunction before the last. Valid until the next call.
 */
const char *word_table_list(const struct word_table *words, unsigned mask, const char *prefix,
			    const char *conjunction);
