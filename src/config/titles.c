#include "config/titles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct title {
	struct place at;
	UT_hash_handle hh;
	char name[];
};

struct titles {
	struct title *list;
};

int titles_new(struct titles **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void titles_free(struct titles *titles)
{
	struct title *at, *following;

	if (!titles)
		return;
	HASH_ITER(hh, titles->list, at, following)
	{
		HASH_DEL(titles->list, at);
		free(at);
	}
	free(titles);
}

int titles_add(struct titles *titles, const char *name, struct place at, struct place *out_first)
{
	struct title *title;

	HASH_FIND_STR(titles->list, name, title);
	if (title) {
		*out_first = title->at;
		return -EEXIST;
	}

	title = calloc(1, sizeof(*title) + strlen(name) + 1);
	if (!title)
		return -ENOMEM;
	strcpy(title->name, name);
	title->at = at;
	HASH_ADD_KEYPTR(hh, titles->list, title->name, strlen(title->name), title);
	if (title->hh.tbl)
		return 0;
	free(title);
	return -ENOMEM;
}
