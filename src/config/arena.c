#include "config/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/secret-memory.h"

/* Large enough for 10,000 services in few blocks, and small enough for a few services. */
#define BLOCK_SIZE 16384

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	max_align_t memory[];
};

static struct arena_block *add_block(struct arena *arena, size_t wanted)
{
	size_t size = wanted > BLOCK_SIZE ? wanted : BLOCK_SIZE;
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = secret_memory_new(sizeof(*block) + size);
	if (!block)
		return NULL;

	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void arena_fini(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		secret_memory_free(block, sizeof(*block) + block->size);
	}
}

void arena_hide(struct arena *arena)
{
	for (struct arena_block *at = arena->blocks; at; at = at->next)
		secret_memory_hide(at, sizeof(*at) + at->size);
}

void *arena_allocate(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t rounded =
		(size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	void *piece;

	if (rounded < size)
		return NULL;
	if (!block || block->size - block->used < rounded)
		block = add_block(arena, rounded);
	if (!block)
		return NULL;

	piece = (char *)block->memory + block->used;
	block->used += rounded;
	return piece;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_allocate(arena, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}
