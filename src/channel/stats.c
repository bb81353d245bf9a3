#include "channel/stats.h"

#include <sys/mman.h>

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct service_stats *stats_new(void)
{
	return share(STATS_SERVICES * sizeof(struct service_stats));
}

uint64_t stats_refused(const struct service_stats *stats)
{
	uint64_t refused = 0;

	for (int i = 0; i < REFUSAL_COUNT; i++)
		refused += atomic_load_explicit(&stats->refused[i], memory_order_relaxed);
	return refused;
}

void stats_free(struct service_stats *stats)
{
	if (stats)
		munmap(stats, STATS_SERVICES * sizeof(*stats));
}

struct session_counts *session_counts_new(void)
{
	return share(sizeof(struct session_counts));
}

void session_counts_free(struct session_counts *session_counts)
{
	if (session_counts)
		munmap(session_counts, sizeof(*session_counts));
}
