#include "keeper/reload-askers.h"

#include <signal.h>

#include "base/reload-answer.h"

void reload_askers_add(struct reload_askers *askers, pid_t pid, bool under_way)
{
	if (askers->n == RELOAD_ASKERS_MAX)
		return;
	askers->list[askers->n].pid = pid;
	askers->list[askers->n++].is_early = under_way;
}

bool reload_askers_have(const struct reload_askers *askers, pid_t pid)
{
	for (size_t i = 0; i < askers->n; i++)
		if (askers->list[i].pid == pid)
			return true;
	return false;
}

void reload_askers_answer(struct reload_askers *askers, bool failed)
{
	const union sigval answer = { .sival_int = failed ? RELOAD_FAILED : RELOAD_SUCCEEDED };
	size_t left = 0;

	for (size_t i = 0; i < askers->n; i++) {
		if (!askers->list[i].is_early) {
			(void)sigqueue(askers->list[i].pid, SIGURG, answer);
			continue;
		}
		askers->list[left].pid = askers->list[i].pid;
		askers->list[left++].is_early = false;
	}
	askers->n = left;
}
