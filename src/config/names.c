#include "config/names.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A table that is only touched where it is used: each of ten thousand services may name hosts. */
#define SLOTS 32768

struct kept_address {
	int family;
	uint8_t bytes[16];
	uint32_t scope;
};

struct slot {
	char host[sizeof(((struct endpoint_text *)NULL)->host)]; /* "": free */
	int family;
	int type;
	unsigned n;
	struct kept_address list[NAMES_ADDRESSES_MAX];
};

struct names {
	struct slot slots[SLOTS];
};

int names_new(struct names **out)
{
	void *memory = mmap(NULL, sizeof(struct names), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*out = memory;
	return 0;
}

void names_free(struct names *names)
{
	if (names)
		munmap(names, sizeof(*names));
}

static void keep(struct kept_address *out, const struct address *address)
{
	out->family = address->any.sa_family;
	if (out->family == AF_INET) {
		memcpy(out->bytes, &address->in.sin_addr, sizeof(address->in.sin_addr));
		return;
	}
	memcpy(out->bytes, &address->in6.sin6_addr, sizeof(address->in6.sin6_addr));
	out->scope = address->in6.sin6_scope_id;
}

static int restore(struct address *out, const struct kept_address *kept)
{
	*out = (struct address){ 0 };
	out->any.sa_family = kept->family;
	switch (out->any.sa_family) {
	case AF_INET:
		out->length = sizeof(out->in);
		memcpy(&out->in.sin_addr, kept->bytes, sizeof(out->in.sin_addr));
		return 0;
	case AF_INET6:
		out->length = sizeof(out->in6);
		memcpy(&out->in6.sin6_addr, kept->bytes, sizeof(out->in6.sin6_addr));
		out->in6.sin6_scope_id = kept->scope;
		return 0;
	default:
		return -ENOENT;
	}
}

static size_t start_of(const struct endpoint_text *text)
{
	uint32_t hash = 2166136261u + text->family * 31 + text->type;

	for (const char *at = text->host; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	return hash % SLOTS;
}

/* The slot of @text, or the free one where it belongs, or NULL. */
static const struct slot *slot_for(const struct names *names, const struct endpoint_text *text)
{
	size_t at = start_of(text);

	for (size_t i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS) {
		const struct slot *slot = &names->slots[at];

		if (!slot->host[0])
			return slot;
		if (slot->family == text->family && slot->type == text->type &&
		    strncmp(slot->host, text->host, sizeof(slot->host)) == 0)
			return slot;
	}
	return NULL;
}

int names_find(const struct names *names, const struct endpoint_text *text, struct address *out)
{
	const struct slot *slot = slot_for(names, text);
	unsigned n = slot && slot->host[0] ? slot->n : 0;

	if (n == 0 || n > NAMES_ADDRESSES_MAX)
		return -ENOENT;
	for (unsigned i = 0; i < n; i++)
		if (restore(&out[i], &slot->list[i]) < 0)
			return -ENOENT;
	return n;
}

int names_add(struct names *names, const struct endpoint_text *text, struct address *out)
{
	struct slot *slot = (struct slot *)slot_for(names, text);
	int n;

	if (!slot)
		return -ENOSPC;
	if (slot->host[0])
		return names_find(names, text, out);

	n = endpoint_lookup(text, out, NAMES_ADDRESSES_MAX);
	if (n <= 0)
		return n < 0 ? n : -ENOENT;

	memcpy(slot->host, text->host, sizeof(slot->host));
	slot->family = text->family;
	slot->type = text->type;
	slot->n = n;
	for (int i = 0; i < n; i++)
		keep(&slot->list[i], &out[i]);
	return n;
}
