#include "config/endpoint-conflicts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#define KEY_MAX (ADDRESS_TEXT_MAX + 32)

/* A use is in two buckets: that of its address and that of its port. */
struct entry {
	struct endpoint_use use;
	struct entry *next;
};

struct endpoint_bucket {
	char key[KEY_MAX];
	struct entry *entries;
	UT_hash_handle hh;
};

static void free_bucket(struct endpoint_bucket *bucket)
{
	while (bucket->entries) {
		struct entry *entry = bucket->entries;

		bucket->entries = entry->next;
		free(entry);
	}
	free(bucket);
}

void endpoint_conflicts_fini(struct endpoint_conflicts *conflicts)
{
	struct endpoint_bucket *at, *following;

	HASH_ITER(hh, conflicts->buckets, at, following)
	{
		HASH_DEL(conflicts->buckets, at);
		free_bucket(at);
	}
}

static struct endpoint_bucket *bucket_for(struct endpoint_conflicts *conflicts, const char *key)
{
	struct endpoint_bucket *bucket;

	HASH_FIND_STR(conflicts->buckets, key, bucket);
	if (bucket)
		return bucket;

	bucket = calloc(1, sizeof(*bucket));
	if (!bucket)
		return NULL;
	strcpy(bucket->key, key);
	HASH_ADD_STR(conflicts->buckets, key, bucket);
	if (!bucket->hh.tbl) {
		free(bucket);
		return NULL;
	}
	return bucket;
}

/* A port has two buckets: one for wildcards, and one for all other addresses. */
static struct endpoint_bucket *port_bucket(struct endpoint_conflicts *conflicts,
					   const struct endpoint *endpoint, const char *kind)
{
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%d %s %u", endpoint->type, kind,
		 address_port(&endpoint->address));
	return bucket_for(conflicts, key);
}

static struct endpoint_bucket *address_bucket(struct endpoint_conflicts *conflicts,
					      const struct endpoint *endpoint)
{
	char text[ADDRESS_TEXT_MAX];
	char key[KEY_MAX];

	/* A path is one file for all types of sockets. */
	snprintf(key, sizeof(key), "%d at %s",
		 address_is_unix(&endpoint->address) ? 0 : endpoint->type,
		 address_text(&endpoint->address, text));
	return bucket_for(conflicts, key);
}

static bool is_taken(const struct endpoint_bucket *bucket, const struct endpoint_use *use,
		     struct endpoint_use *out_owner)
{
	for (const struct entry *entry = bucket->entries; entry; entry = entry->next)
		if (endpoint_collides(entry->use.endpoint, use->endpoint)) {
			*out_owner = entry->use;
			return true;
		}
	return false;
}

static int add(struct endpoint_bucket *bucket, const struct endpoint_use *use)
{
	struct entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->use = *use;
	entry->next = bucket->entries;
	bucket->entries = entry;
	return 0;
}

static int add_unix(struct endpoint_conflicts *conflicts, const struct endpoint_use *use,
		    struct endpoint_use *out_owner)
{
	struct endpoint_bucket *same = address_bucket(conflicts, use->endpoint);

	if (!same)
		return -ENOMEM;
	return is_taken(same, use, out_owner) ? -EADDRINUSE : add(same, use);
}

int endpoint_conflicts_add(struct endpoint_conflicts *conflicts, const struct endpoint_use *use,
			   struct endpoint_use *out_owner)
{
	const struct endpoint *endpoint = use->endpoint;
	bool wildcard = address_is_wildcard(&endpoint->address);
	struct endpoint_bucket *wildcards, *others, *same;
	int r;

	if (address_is_unix(&endpoint->address))
		return add_unix(conflicts, use, out_owner);
	if (address_port(&endpoint->address) == 0)
		return 0;

	wildcards = port_bucket(conflicts, endpoint, "any");
	others = port_bucket(conflicts, endpoint, "some");
	same = wildcard ? others : address_bucket(conflicts, endpoint);
	if (!wildcards || !others || !same)
		return -ENOMEM;
	if (is_taken(wildcards, use, out_owner) || is_taken(same, use, out_owner))
		return -EADDRINUSE;

	if (wildcard)
		return add(wildcards, use);
	r = add(others, use);
	return r < 0 ? r : add(same, use);
}
