#pragma once

/*
 * Memory for one parse: many small pieces, freed all at once. A configuration has secrets, so it is
 * secret memory.
 */

#include <stddef.h>

struct arena_block;

/* Zeroed, it is empty. */
struct arena {
	struct arena_block *blocks;
};

void arena_fini(struct arena *arena);

/* From now on forked processes find zeros there. */
void arena_hide(struct arena *arena);

/* Returns zeroed memory, aligned for every type, or NULL. */
void *arena_allocate(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length);
