#pragma once

/* Memory for one parse: many small pieces, freed all at once. */

#include <stddef.h>

struct arena_block;

/* All zero is an empty one. */
struct arena {
	struct arena_block *blocks;
};

void arena_fini(struct arena *arena);

/* Zeroed memory, aligned for anything, or NULL. */
void *arena_allocate(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length);
