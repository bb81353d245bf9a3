#include "config/dispatch.h"

#include "config/word-table.h"

static const struct {
	const char *name;
	unsigned traits;
} table[DISPATCH_COUNT] = {
	[DISPATCH_SESSION] = { NULL, DISPATCH_READS_LISTENER },
	[DISPATCH_SPAWN] = { "spawn", DISPATCH_RUNS_PROGRAM | DISPATCH_READS_LISTENER |
					      DISPATCH_PER_CLIENT },
	[DISPATCH_WAIT] = { "wait", DISPATCH_RUNS_PROGRAM | DISPATCH_LENDS_LISTENER },
	[DISPATCH_POOL] = { "pool", DISPATCH_RUNS_PROGRAM | DISPATCH_SHARES_LISTENER |
					    DISPATCH_STARTS_PROCESSES },
	[DISPATCH_PASS] = { "pass", DISPATCH_RUNS_PROGRAM | DISPATCH_READS_LISTENER |
					    DISPATCH_PASSES_CLIENTS | DISPATCH_STARTS_PROCESSES |
					    DISPATCH_ONLY_CONNECTIONS },
};

const struct word_table dispatch_words = WORD_TABLE_OF_ROWS(table);

const char *dispatch_name(enum dispatch_kind dispatch)
{
	return table[dispatch].name;
}

bool dispatch_has(enum dispatch_kind dispatch, unsigned traits)
{
	return table[dispatch].traits & traits;
}

const char *dispatch_list(unsigned traits)
{
	unsigned mask = 0;

	for (int i = 0; i < DISPATCH_COUNT; i++)
		mask |= dispatch_has(i, traits) ? 1u << i : 0;
	return word_table_list(&dispatch_words, mask, "dispatch = ", " and ");
}
