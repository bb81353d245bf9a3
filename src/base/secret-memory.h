#pragma once

/*
 * Memory for what a forked front must not have, such as the values of `env`. It consists of whole
 * pages, which go back to the system when they are freed, so that no copy stays in the heap.
 */

#include <stddef.h>

/* Zeroed, or NULL. */
void *secret_memory_new(size_t size);
void secret_memory_free(void *memory, size_t size);

/* From now on a forked process finds zeros there. Not for one that shares its parent's memory. */
void secret_memory_hide(void *memory, size_t size);
