#pragma once

/*
 * The clients of a pool of dispatch `pass`, in anonymous shared memory: a place per child,
 * and in it a seat per client that the child can have. The front that passes clients
 * writes it; the next front reads there who is being served, even after a crash.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct pass_seat {
	_Atomic bool taken; /* what follows is meaningless otherwise */
	int64_t started_us; /* clock_us() */
	struct address peer;
};

struct pass_table {
	unsigned n_places;
	unsigned n_seats; /* of each place */
	struct pass_seat seats[];
};

/* Pages are taken only when touched. Returns NULL when memory is short. */
struct pass_table *pass_table_new(unsigned n_places, unsigned n_seats);
void pass_table_free(struct pass_table *table);

/* How many seats of @place are taken. */
unsigned pass_table_count(const struct pass_table *table, unsigned place);

static inline struct pass_seat *pass_table_seat(struct pass_table *table, unsigned place,
						unsigned seat)
{
	return &table->seats[(size_t)place * table->n_seats + seat];
}
