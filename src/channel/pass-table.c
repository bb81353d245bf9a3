#include "channel/pass-table.h"

#include <stdlib.h>
#include <sys/mman.h>

static size_t size_of(const struct pass_table *table)
{
	return (size_t)table->n_processes * table->n_clients * sizeof(*table->entries);
}

struct pass_table *pass_table_new(unsigned n_processes, unsigned n_clients)
{
	struct pass_table *table = malloc(sizeof(*table));
	void *entries;

	if (!table)
		return NULL;
	*table = (struct pass_table){ .n_processes = n_processes, .n_clients = n_clients };
	entries = mmap(NULL, size_of(table), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (entries == MAP_FAILED) {
		free(table);
		return NULL;
	}
	table->entries = entries;
	return table;
}

void pass_table_free(struct pass_table *table)
{
	if (!table)
		return;
	munmap(table->entries, size_of(table));
	free(table);
}

unsigned pass_table_count(const struct pass_table *table, unsigned process_index)
{
	const struct pass_table_entry *row =
		&table->entries[(size_t)process_index * table->n_clients];
	unsigned n = 0;

	for (unsigned i = 0; i < table->n_clients; i++)
		n += atomic_load_explicit(&row[i].taken, memory_order_relaxed) != 0;
	return n;
}
