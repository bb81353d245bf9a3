#include "config/builtin.h"

#include "config/word-table.h"

static const struct {
	const char *name;
	unsigned traits;
} table[BUILTIN_COUNT] = {
	/* RFC 862: echo returns everything, also urgent data. */
	[BUILTIN_ECHO] = { "echo", BUILTIN_OOB_INLINE },
	[BUILTIN_DISCARD] = { "discard", BUILTIN_SILENT },
	[BUILTIN_CHARGEN] = { "chargen", BUILTIN_ENDLESS | BUILTIN_MAY_AMPLIFY },
	[BUILTIN_DAYTIME] = { "daytime", BUILTIN_ONCE },
	[BUILTIN_TIME] = { "time", BUILTIN_ONCE },
};

const struct word_table builtin_words = WORD_TABLE_OF_ROWS(table);

const char *builtin_name(enum builtin_kind kind)
{
	return table[kind].name;
}

bool builtin_has(enum builtin_kind kind, unsigned traits)
{
	return table[kind].traits & traits;
}

const char *builtin_list(unsigned traits)
{
	unsigned mask = 0;

	for (int i = 0; i < BUILTIN_COUNT; i++)
		mask |= builtin_has(i, traits) ? 1u << i : 0;
	return word_table_list(&builtin_words, mask, "", " and ");
}
