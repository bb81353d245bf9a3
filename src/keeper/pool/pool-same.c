#include "keeper/pool/pool-same.h"

#include <string.h>

#include "config/settings.h"

static bool same_list(char *const *a, char *const *b)
{
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return !*a && !*b;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
	return a->change == b->change && a->uid == b->uid && a->gid == b->gid &&
	       a->n_groups == b->n_groups &&
	       (a->n_groups == 0 ||
		memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)) == 0);
}

static bool same_program(const struct program_settings *a, const struct program_settings *b)
{
	return same_list(a->argv, b->argv) && same_list(a->env, b->env) &&
	       same_identity(&a->identity, &b->identity) && same_text(a->directory, b->directory) &&
	       same_text(a->chroot, b->chroot) && a->umask == b->umask && a->nice == b->nice &&
	       a->stderr_to == b->stderr_to;
}

bool pool_suits(const struct service *a, const struct service *b)
{
	return a->dispatch == b->dispatch && a->pool.max == b->pool.max &&
	       a->pool.clients_per_process == b->pool.clients_per_process &&
	       a->pool.ready_notify == b->pool.ready_notify &&
	       same_program(&a->program, &b->program);
}
