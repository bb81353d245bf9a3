#pragma once

/*
 * The clients of a service of dispatch `pass`. Each process has a row, with an entry for each
 * client that it can have. The front that passes clients writes the entries. The next front reads
 * which clients are being served, even after a crash.
 *
 * Only the entries are shared. A front may have been taken over and write anything there, so the
 * sizes, and the pointer to the entries, are in private memory: each front has its own copy of them
 * since it was forked. The keeper looks at no more than whether an entry is taken.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct pass_table_entry {
	_Atomic unsigned char taken; /* 0: the other fields mean nothing */
	int64_t started_us;          /* clock_us() */
	struct address peer;
	struct address local;
};

struct pass_table {
	unsigned n_processes;
	unsigned n_clients; /* of each process */
	struct pass_table_entry *entries;
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
