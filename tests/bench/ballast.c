/*
 * To be preloaded: fills BENCH_BALLAST_MIB of memory before the program starts.
 *
 * Small pages, so that a server which copies its page tables for each program has to copy all of
 * them.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	MIB_MAX = 4096,
};

static __attribute__((constructor)) void take_memory(void)
{
	const char *text = getenv("BENCH_BALLAST_MIB");
	long mib = text ? strtol(text, NULL, 10) : 0;
	size_t size = (size_t)mib << 20;
	void *memory;

	if (mib <= 0 || mib > MIB_MAX)
		return;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	(void)madvise(memory, size, MADV_NOHUGEPAGE);
	memset(memory, 1, size);
}
