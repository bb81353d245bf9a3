#include "base/wipe.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build-config.h"

#define NEAR (64 * 1024)      /* below the caller */
#define FAR (8 * 1024 * 1024) /* no function needs more stack */

static bool wiping;

void wipe_freed_begin(void)
{
	wiping = true;
}

void wipe_freed_end(void)
{
	wiping = false;
}

#if SUPERD_WIPES_FREED

/* Names of glibc for its own functions. What has free() by its name gets the ones below. */
void __libc_free(void *memory);
void *__libc_realloc(void *memory, size_t size);

void free(void *memory)
{
	if (wiping && memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	__libc_free(memory);
}

/* Grown or shrunk in its place, memory would leave its old end behind. */
static void *move(void *memory, size_t size)
{
	size_t old = malloc_usable_size(memory);
	void *moved = malloc(size);

	if (!moved)
		return NULL;
	memcpy(moved, memory, old < size ? old : size);
	free(memory);
	return moved;
}

void *realloc(void *memory, size_t size)
{
	return wiping && memory && size ? move(memory, size) : __libc_realloc(memory, size);
}

__attribute__((__noinline__)) void wipe_stack(void)
{
	char near[NEAR];
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t end = (uintptr_t)near & ~(page - 1);

	explicit_bzero(near, sizeof(near));
	/* Pages are given back, rather than written to, because most of them are not there. */
	(void)madvise((void *)(end - FAR), FAR - page, MADV_DONTNEED);
}

#else

/* A sanitizer has its variables somewhere else. */
void wipe_stack(void)
{
}

#endif

/* The beginnings of names: what the C library reads later, and libfaketime, for tests. */
static bool is_kept(const char *variable)
{
	static const char *const kept[] = { "TZ", "LANG", "LC_", "FAKETIME" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

void wipe_environment(void)
{
	for (char **at = environ; at && *at; at++) {
		char *value = strchrnul(*at, '=');

		if (!is_kept(*at))
			explicit_bzero(value, strlen(value));
	}
}
