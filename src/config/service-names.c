#include "config/service-names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct service_name {
	struct location at;
	UT_hash_handle hh;
	char name[];
};

void service_names_fini(struct service_names *names)
{
	struct service_name *at, *following;

	HASH_ITER(hh, names->list, at, following)
	{
		HASH_DEL(names->list, at);
		free(at);
	}
}

int service_names_add(struct service_names *names, const char *name, struct location at,
		      struct location *out_first)
{
	struct service_name *found;

	HASH_FIND_STR(names->list, name, found);
	if (found) {
		*out_first = found->at;
		return -EEXIST;
	}

	found = calloc(1, sizeof(*found) + strlen(name) + 1);
	if (!found)
		return -ENOMEM;
	strcpy(found->name, name);
	found->at = at;
	HASH_ADD_KEYPTR(hh, names->list, found->name, strlen(found->name), found);
	if (found->hh.tbl)
		return 0;
	free(found);
	return -ENOMEM;
}
