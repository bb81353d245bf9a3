#include "keeper/pool/idle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

/* A process with more descriptors than the others has this many times the limit. */
#define PATIENCE 10

static unsigned count_descriptors(pid_t pid)
{
	struct dirent *entry;
	unsigned n = 0;
	char path[32];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	folder = opendir(path);
	if (!folder)
		return 0;
	while ((entry = readdir(folder)))
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n;
}

int usage_of(pid_t pid, struct usage *out)
{
	struct timespec used;
	clockid_t clock;
	int r;

	r = clock_getcpuclockid(pid, &clock);
	if (r != 0)
		return -r;
	if (clock_gettime(clock, &used) < 0)
		return -errno;
	out->cpu_ns = (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
	out->descriptors = count_descriptors(pid);
	return 0;
}

void idle_note(struct idle *idle, const struct usage *usage, int64_t now_ms)
{
	if (idle->since_ms == 0 || usage->cpu_ns != idle->last.cpu_ns ||
	    usage->descriptors != idle->last.descriptors)
		idle->since_ms = now_ms;
	idle->last = *usage;
}

bool idle_is_enough(const struct idle *idle, unsigned baseline_fds, int64_t now_ms,
		    int64_t limit_ms)
{
	int64_t still_ms = now_ms - idle->since_ms;

	if (idle->last.descriptors > baseline_fds)
		limit_ms *= PATIENCE;
	return still_ms >= limit_ms;
}
