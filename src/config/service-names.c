#include "config/service-names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"

struct service_name {
	struct location defined; /* line 0: no service that is enabled has the name */
	struct location enabled; /* line 0: `enable` does not have the name */
	bool known;              /* a section has the name */
	UT_hash_handle hh;
	char text[];
};

void service_names_fini(struct service_names *names)
{
	struct service_name *at, *following;

	HASH_ITER(hh, names->table, at, following)
	{
		HASH_DEL(names->table, at);
		free(at);
	}
}

static struct service_name *find(const struct service_names *names, const char *text)
{
	struct service_name *name;

	HASH_FIND_STR(names->table, text, name);
	return name;
}

static struct service_name *find_or_add(struct service_names *names, const char *text)
{
	struct service_name *name = find(names, text);

	if (name)
		return name;
	name = calloc(1, sizeof(*name) + strlen(text) + 1);
	if (!name)
		return NULL;
	strcpy(name->text, text);
	HASH_ADD_STR(names->table, text, name);
	if (name->hh.tbl)
		return name;
	free(name);
	return NULL;
}

int service_names_enable(struct service_names *names, const char *text, struct location at)
{
	struct service_name *name = find_or_add(names, text);

	if (!name)
		return -ENOMEM;
	name->enabled = at;
	return 0;
}

bool service_names_is_enabled(const struct service_names *names, const char *text)
{
	const struct service_name *name = find(names, text);

	return name && name->enabled.line;
}

int service_names_mention(struct service_names *names, const char *text)
{
	struct service_name *name = find_or_add(names, text);

	if (!name)
		return -ENOMEM;
	name->known = true;
	return 0;
}

int service_names_define(struct service_names *names, const char *text, struct location at,
			 struct location *out_earlier)
{
	struct service_name *name = find_or_add(names, text);

	if (!name)
		return -ENOMEM;
	if (name->defined.line) {
		*out_earlier = name->defined;
		return -EEXIST;
	}
	name->defined = at;
	name->known = true;
	return 0;
}

/* The known name that is most similar to @text, or NULL. */
static const char *nearest(const struct service_names *names, const char *text)
{
	AUTO(auto_free) const char **list = NULL;
	const struct service_name *at;
	size_t n = 0;
	int number;

	list = calloc(HASH_COUNT(names->table) + 1, sizeof(*list));
	if (!list)
		return NULL;
	for (at = names->table; at; at = at->hh.next)
		if (at->known)
			list[n++] = at->text;
	number = text_nearest(text, list);
	return number < 0 ? NULL : list[number];
}

void service_names_check(const struct service_names *names, struct errors *errors)
{
	const struct service_name *at;

	for (at = names->table; at; at = at->hh.next) {
		const char *other = at->known ? NULL : nearest(names, at->text);

		if (other)
			errors_add(errors, at->enabled,
				   "'enable': there is no service '%s'; did you mean '%s'?",
				   errors_quote(at->text), other);
		else if (!at->known)
			errors_add(errors, at->enabled, "'enable': there is no service '%s'",
				   errors_quote(at->text));
	}
}
