#include "channel/pass-table.h"

#include <sys/mman.h>

static size_t size_of(unsigned n_places, unsigned n_seats)
{
	return sizeof(struct pass_table) + (size_t)n_places * n_seats * sizeof(struct pass_seat);
}

struct pass_table *pass_table_new(unsigned n_places, unsigned n_seats)
{
	struct pass_table *table;

	table = mmap(NULL, size_of(n_places, n_seats), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return NULL;
	table->n_places = n_places;
	table->n_seats = n_seats;
	return table;
}

void pass_table_free(struct pass_table *table)
{
	if (table)
		munmap(table, size_of(table->n_places, table->n_seats));
}

unsigned pass_table_count(const struct pass_table *table, unsigned place)
{
	unsigned n = 0;

	for (unsigned seat = 0; seat < table->n_seats; seat++)
		n += atomic_load_explicit(
			&table->seats[(size_t)place * table->n_seats + seat].taken,
			memory_order_relaxed);
	return n;
}
