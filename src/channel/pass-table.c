#include "channel/pass-table.h"

#include <sys/mman.h>

static size_t size_of(unsigned n_processes, unsigned n_clients)
{
	return sizeof(struct pass_table) +
	       (size_t)n_processes * n_clients * sizeof(struct pass_table_entry);
}

struct pass_table *pass_table_new(unsigned n_processes, unsigned n_clients)
{
	struct pass_table *table;

	table = mmap(NULL, size_of(n_processes, n_clients), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return NULL;
	table->n_processes = n_processes;
	table->n_clients = n_clients;
	return table;
}

void pass_table_free(struct pass_table *table)
{
	if (table)
		munmap(table, size_of(table->n_processes, table->n_clients));
}

unsigned pass_table_count(const struct pass_table *table, unsigned process_index)
{
	const struct pass_table_entry *row =
		&table->entries[(size_t)process_index * table->n_clients];
	unsigned n = 0;

	for (unsigned i = 0; i < table->n_clients; i++)
		n += atomic_load_explicit(&row[i].taken, memory_order_relaxed);
	return n;
}
