#include "base/secret-memory.h"

#include <sys/mman.h>

void *secret_memory_new(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void secret_memory_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void secret_memory_hide(void *memory, size_t size)
{
	if (memory)
		(void)madvise(memory, size, MADV_WIPEONFORK);
}
