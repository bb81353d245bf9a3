#include "keeper/idleness.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

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

int64_t idleness_look(struct idleness *idleness, const struct usage *usage, int64_t now_ms)
{
	bool first = idleness->since_ms == 0;
	bool busy;

	if (first || usage->descriptors < idleness->least)
		idleness->least = usage->descriptors;
	busy = first || usage->cpu_ns != idleness->last.cpu_ns ||
	       usage->descriptors > idleness->least;
	idleness->last = *usage;
	if (busy)
		idleness->since_ms = now_ms;
	return now_ms - idleness->since_ms;
}
