#include "front/guard.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#define PORT_NFS 2049

void guard_add_port(struct guard *guard, unsigned port)
{
	atomic_fetch_or_explicit(&guard->own_ports[port / 8 % sizeof(guard->own_ports)],
				 1 << port % 8, memory_order_relaxed);
}

static bool allows_port(const struct guard *guard, unsigned port)
{
	return port >= IPPORT_RESERVED && port != PORT_NFS &&
	       !(atomic_load_explicit(&guard->own_ports[port / 8], memory_order_relaxed) &
		 1 << port % 8);
}

/* 0/8, multicast, and all above it: reserved, and the broadcast address at its end. */
static bool allows_in(uint32_t host)
{
	return host >> 24 != 0 && host >> 28 < 0xe;
}

static bool allows_in6(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return allows_in(ntohl(address->s6_addr32[3]));
	return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_MULTICAST(address);
}

bool guard_allows(const struct guard *guard, const struct sockaddr *source, socklen_t length)
{
	const struct sockaddr_in *in = (const void *)source;
	const struct sockaddr_in6 *in6 = (const void *)source;

	if (length < sizeof(source->sa_family))
		return false;
	switch (source->sa_family) {
	case AF_INET:
		return length >= sizeof(*in) && allows_in(ntohl(in->sin_addr.s_addr)) &&
		       allows_port(guard, ntohs(in->sin_port));
	case AF_INET6:
		return length >= sizeof(*in6) && allows_in6(&in6->sin6_addr) &&
		       allows_port(guard, ntohs(in6->sin6_port));
	case AF_UNIX:
		return length > offsetof(struct sockaddr_un, sun_path);
	default:
		return false;
	}
}
