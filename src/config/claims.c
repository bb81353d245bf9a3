#include "config/claims.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#define KEY_MAX (ADDRESS_TEXT_MAX + 32)

/* A claim stands in one bucket for its address and in one for its port. */
struct entry {
	struct claim claim;
	struct entry *next;
};

struct bucket {
	char key[KEY_MAX];
	struct entry *entries;
	UT_hash_handle hh;
};

struct claims {
	struct bucket *buckets;
};

int claims_new(struct claims **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void free_bucket(struct bucket *bucket)
{
	while (bucket->entries) {
		struct entry *entry = bucket->entries;

		bucket->entries = entry->next;
		free(entry);
	}
	free(bucket);
}

void claims_free(struct claims *claims)
{
	struct bucket *at, *following;

	if (!claims)
		return;
	HASH_ITER(hh, claims->buckets, at, following)
	{
		HASH_DEL(claims->buckets, at);
		free_bucket(at);
	}
	free(claims);
}

static struct bucket *bucket_for(struct claims *claims, const char *key)
{
	struct bucket *bucket;

	HASH_FIND_STR(claims->buckets, key, bucket);
	if (bucket)
		return bucket;

	bucket = calloc(1, sizeof(*bucket));
	if (!bucket)
		return NULL;
	strcpy(bucket->key, key);
	HASH_ADD_STR(claims->buckets, key, bucket);
	if (!bucket->hh.tbl) {
		free(bucket);
		return NULL;
	}
	return bucket;
}

/* The buckets of a port are named by what is in them: wildcards, or all other addresses. */
static struct bucket *port_bucket(struct claims *claims, const struct endpoint *endpoint,
				  const char *kind)
{
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%d %s %u", endpoint->type, kind,
		 address_port(&endpoint->address));
	return bucket_for(claims, key);
}

static struct bucket *address_bucket(struct claims *claims, const struct endpoint *endpoint)
{
	char text[ADDRESS_TEXT_MAX];
	char key[KEY_MAX];

	/* A path is one file, whatever the type. */
	snprintf(key, sizeof(key), "%d at %s",
		 address_is_unix(&endpoint->address) ? 0 : endpoint->type,
		 address_text(&endpoint->address, text));
	return bucket_for(claims, key);
}

static bool is_taken(const struct bucket *bucket, const struct claim *claim,
		     struct claim *out_owner)
{
	for (const struct entry *entry = bucket->entries; entry; entry = entry->next)
		if (endpoint_collides(entry->claim.endpoint, claim->endpoint)) {
			*out_owner = entry->claim;
			return true;
		}
	return false;
}

static int add(struct bucket *bucket, const struct claim *claim)
{
	struct entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->claim = *claim;
	entry->next = bucket->entries;
	bucket->entries = entry;
	return 0;
}

static int add_unix(struct claims *claims, const struct claim *claim, struct claim *out_owner)
{
	struct bucket *same = address_bucket(claims, claim->endpoint);

	if (!same)
		return -ENOMEM;
	return is_taken(same, claim, out_owner) ? -EADDRINUSE : add(same, claim);
}

int claims_add(struct claims *claims, const struct claim *claim, struct claim *out_owner)
{
	const struct endpoint *endpoint = claim->endpoint;
	bool wildcard = address_is_wildcard(&endpoint->address);
	struct bucket *wildcards, *others, *same;
	int r;

	if (address_is_unix(&endpoint->address))
		return add_unix(claims, claim, out_owner);
	if (address_port(&endpoint->address) == 0)
		return 0;

	wildcards = port_bucket(claims, endpoint, "any");
	others = port_bucket(claims, endpoint, "some");
	same = wildcard ? others : address_bucket(claims, endpoint);
	if (!wildcards || !others || !same)
		return -ENOMEM;
	if (is_taken(wildcards, claim, out_owner) || is_taken(same, claim, out_owner))
		return -EADDRINUSE;

	if (wildcard)
		return add(wildcards, claim);
	r = add(others, claim);
	return r < 0 ? r : add(same, claim);
}
