#pragma once

/*
 * The clients of a service of dispatch `pass`, in anonymous shared memory. Each process has a row,
 * with an entry for each client that it can have. The front that passes clients writes the table.
 * The next front reads which clients are being served, even after a crash.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct pass_table_entry {
	_Atomic bool taken; /* false: the other fields mean nothing */
	int64_t started_us; /* clock_us() */
	struct address peer;
};

struct pass_table {
	unsigned n_processes;
	unsigned n_clients; /* of each process */
	struct pass_table_entry entries[];
};

/* The memory is taken only as it is used. Returns NULL when memory is short. */
struct pass_table *pass_table_new(unsigned n_processes, unsigned n_clients);
void pass_table_free(struct pass_table *table);

/* How many clients the process has. */
unsigned pass_table_count(const struct pass_table *table, unsigned process_index);

static inline struct pass_table_entry *
pass_table_entry(struct pass_table *table, unsigned process_index, unsigned client_index)
{
	return &table->entries[(size_t)process_index * table->n_clients + client_index];
}
