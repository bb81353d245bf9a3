#include "config/word-table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LIST_MAX 512

static const char *get(const struct word_table *words, size_t i)
{
	return *(const char *const *)((const char *)words->first + i * words->stride);
}

static int find(const struct word_table *words, const char *text,
		int (*compare)(const char *one, const char *other))
{
	for (size_t i = 0; i < words->n; i++)
		if (get(words, i) && compare(get(words, i), text) == 0)
			return (int)i;
	return -1;
}

int word_table_find(const struct word_table *words, const char *text)
{
	return find(words, text, strcmp);
}

int word_table_find_any_case(const struct word_table *words, const char *text)
{
	return find(words, text, strcasecmp);
}

const char *word_table_list(const struct word_table *words, unsigned mask, const char *prefix,
			    const char *conjunction)
{
	static char list[LIST_MAX];
	const char *separator = "";
	size_t length = 0;
	unsigned left = 0;

	for (size_t i = 0; i < words->n; i++)
		left |= get(words, i) ? mask & 1u << i : 0;

	list[0] = '\0';
	for (size_t i = 0; left && length < sizeof(list); i++) {
		if (!(left & 1u << i))
			continue;
		left &= ~(1u << i);
		length += snprintf(list + length, sizeof(list) - length, "%s'%s%s'", separator,
				   prefix, get(words, i));
		separator = left & (left - 1) ? ", " : conjunction;
	}
	return list;
}
