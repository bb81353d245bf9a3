#include "config/resolved-hosts.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Enough for ten thousand services with host names. Slots that are not used take no memory. */
#define SLOTS 32768

struct slot {
	char host[sizeof(((struct endpoint_text *)NULL)->host)]; /* "": free */
	int family;
	int type;
	unsigned n;
	struct sockaddr_in6 list[RESOLVED_ADDRESSES_MAX]; /* or, by its family, a sockaddr_in */
};

struct resolved_hosts {
	struct slot slots[SLOTS];
};

int resolved_hosts_new(struct resolved_hosts **out)
{
	void *memory = mmap(NULL, sizeof(struct resolved_hosts), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*out = memory;
	return 0;
}

void resolved_hosts_free(struct resolved_hosts *hosts)
{
	if (hosts)
		munmap(hosts, sizeof(*hosts));
}

void resolved_hosts_hide(struct resolved_hosts *hosts)
{
	(void)madvise(hosts, sizeof(*hosts), MADV_DONTFORK);
}

static int restore(struct address *out, const struct sockaddr_in6 *kept)
{
	*out = (struct address){ .in6 = *kept };
	out->length = out->any.sa_family == AF_INET ? sizeof(out->in) : sizeof(out->in6);
	return out->any.sa_family == AF_INET || out->any.sa_family == AF_INET6 ? 0 : -ENOENT;
}

static size_t start_of(const struct endpoint_text *text)
{
	uint32_t hash = 2166136261u + text->family * 31 + text->type;

	for (const char *at = text->host; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	return hash % SLOTS;
}

/* Returns the slot of @text, or a free slot for it, or NULL when the table is full. */
static const struct slot *slot_for(const struct resolved_hosts *hosts,
				   const struct endpoint_text *text)
{
	size_t at = start_of(text);

	for (size_t i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS) {
		const struct slot *slot = &hosts->slots[at];

		if (!slot->host[0])
			return slot;
		if (slot->family == text->family && slot->type == text->type &&
		    strncmp(slot->host, text->host, sizeof(slot->host)) == 0)
			return slot;
	}
	return NULL;
}

int resolved_hosts_find(const struct resolved_hosts *hosts, const struct endpoint_text *text,
			struct address *out)
{
	const struct slot *slot = slot_for(hosts, text);
	unsigned n = slot && slot->host[0] ? slot->n : 0;

	if (n == 0 || n > RESOLVED_ADDRESSES_MAX)
		return -ENOENT;
	for (unsigned i = 0; i < n; i++)
		if (restore(&out[i], &slot->list[i]) < 0)
			return -ENOENT;
	return n;
}

int resolved_hosts_add(struct resolved_hosts *hosts, const struct endpoint_text *text,
		       struct address *out)
{
	struct slot *slot = (struct slot *)slot_for(hosts, text);
	int n;

	if (!slot)
		return -ENOSPC;
	if (slot->host[0])
		return resolved_hosts_find(hosts, text, out);

	n = endpoint_lookup(text, out, RESOLVED_ADDRESSES_MAX);
	if (n <= 0)
		return n < 0 ? n : -ENOENT;

	memcpy(slot->host, text->host, sizeof(slot->host));
	slot->family = text->family;
	slot->type = text->type;
	slot->n = n;
	for (int i = 0; i < n; i++)
		slot->list[i] = out[i].in6;
	return n;
}
