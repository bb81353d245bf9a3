#include "front/datagram/reflection-guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define PORT_NFS 2049

struct reflection_guard_name {
	struct reflection_guard_name *next;
	size_t length;
	char bytes[];
};

static void add_port(struct reflection_guard *guard, unsigned port)
{
	atomic_fetch_or_explicit(&guard->own_ports[port / 8 % sizeof(guard->own_ports)],
				 1 << port % 8, memory_order_relaxed);
}

static size_t name_length(socklen_t length)
{
	size_t before = offsetof(struct sockaddr_un, sun_path);

	return length > before ? length - before : 0;
}

static size_t bucket_of(const char *name, size_t length)
{
	size_t hash = length;

	for (size_t i = 0; i < length; i++)
		hash = hash * 31 + (unsigned char)name[i];
	return hash % REFLECTION_GUARD_BUCKETS;
}

static int add_name(struct reflection_guard *guard, const struct sockaddr_un *name,
		    socklen_t length)
{
	size_t n = name_length(length);
	_Atomic(struct reflection_guard_name *) *bucket =
		&guard->own_names[bucket_of(name->sun_path, n)];
	struct reflection_guard_name *own = malloc(sizeof(*own) + n);

	if (!own)
		return -ENOMEM;
	own->next = atomic_load_explicit(bucket, memory_order_relaxed);
	own->length = n;
	memcpy(own->bytes, name->sun_path, n);
	atomic_store_explicit(bucket, own, memory_order_release);
	return 0;
}

int reflection_guard_add(struct reflection_guard *guard, const struct sockaddr *own,
			 socklen_t length)
{
	switch (own->sa_family) {
	case AF_INET:
		add_port(guard, ntohs(((const struct sockaddr_in *)(const void *)own)->sin_port));
		return 0;
	case AF_INET6:
		add_port(guard, ntohs(((const struct sockaddr_in6 *)(const void *)own)->sin6_port));
		return 0;
	case AF_UNIX:
		return add_name(guard, (const void *)own, length);
	default:
		return 0;
	}
}

void reflection_guard_fini(struct reflection_guard *guard)
{
	for (size_t i = 0; i < REFLECTION_GUARD_BUCKETS; i++) {
		struct reflection_guard_name *own = atomic_exchange(&guard->own_names[i], NULL);

		while (own) {
			struct reflection_guard_name *next = own->next;

			free(own);
			own = next;
		}
	}
}

/* A sender without a name cannot be answered. */
static enum reflection_risk judge_name(const struct reflection_guard *guard,
				       const struct sockaddr_un *name, size_t length)
{
	const struct reflection_guard_name *own = atomic_load_explicit(
		&guard->own_names[bucket_of(name->sun_path, length)], memory_order_acquire);

	if (length == 0)
		return REFLECTION_NOBODY;
	while (own && (own->length != length || memcmp(own->bytes, name->sun_path, length) != 0))
		own = own->next;
	return own ? REFLECTION_OWN : REFLECTION_NO_RISK;
}

/* The port of superd is enough: another host may run the same service. */
static enum reflection_risk judge_port(const struct reflection_guard *guard, unsigned port)
{
	if (port == 0)
		return REFLECTION_NOBODY;
	if (atomic_load_explicit(&guard->own_ports[port / 8], memory_order_relaxed) & 1 << port % 8)
		return REFLECTION_OWN;
	return port < IPPORT_RESERVED || port == PORT_NFS ? REFLECTION_LOW_PORT
							  : REFLECTION_NO_RISK;
}

/* Not 0/8, multicast, or the reserved addresses above, with the broadcast address. */
static bool is_host(uint32_t address)
{
	return address >> 24 != 0 && address >> 28 < 0xe;
}

static bool is_host6(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return is_host(ntohl(address->s6_addr32[3]));
	return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_MULTICAST(address);
}

enum reflection_risk reflection_guard_judge(const struct reflection_guard *guard,
					    const struct sockaddr *source, socklen_t length)
{
	const struct sockaddr_in *in = (const void *)source;
	const struct sockaddr_in6 *in6 = (const void *)source;

	if (length < sizeof(source->sa_family))
		return REFLECTION_NOBODY;
	switch (source->sa_family) {
	case AF_INET:
		if (length < sizeof(*in) || !is_host(ntohl(in->sin_addr.s_addr)))
			return REFLECTION_NOBODY;
		return judge_port(guard, ntohs(in->sin_port));
	case AF_INET6:
		if (length < sizeof(*in6) || !is_host6(&in6->sin6_addr))
			return REFLECTION_NOBODY;
		return judge_port(guard, ntohs(in6->sin6_port));
	case AF_UNIX:
		return judge_name(guard, (const void *)source, name_length(length));
	default:
		return REFLECTION_NOBODY;
	}
}
