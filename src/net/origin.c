#include "net/origin.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/socket-options.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static bool get_name(int fd, struct address *out)
{
	*out = (struct address){ .length = sizeof(out->un) };
	return getsockname(fd, &out->any, &out->length) == 0;
}

static uint64_t network_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0 ? 0 : cookie;
}

void origin_of(struct origin *out, int fd)
{
	struct address name;

	*out = (struct origin){
		.type = socket_option(fd, SOL_SOCKET, SO_TYPE),
		.protocol = socket_option(fd, SOL_SOCKET, SO_PROTOCOL),
		.network = network_of(fd),
	};
	if (get_name(fd, &name))
		out->name = name;
}

/* A listener of MPTCP also accepts connections of TCP, from clients that do not know MPTCP. */
static bool is_of_protocol(const struct origin *origin, int fd)
{
	int protocol = socket_option(fd, SOL_SOCKET, SO_PROTOCOL);

	return protocol == origin->protocol ||
	       (origin->protocol == IPPROTO_MPTCP && protocol == IPPROTO_TCP);
}

static bool is_name_of(const struct origin *origin, const struct address *local)
{
	if (local->any.sa_family != origin->name.any.sa_family)
		return false;
	if (address_is_wildcard(&origin->name))
		return address_port(local) == address_port(&origin->name);
	return address_equal(local, &origin->name);
}

bool origin_is_of(const struct origin *origin, int fd, struct address *out_local)
{
	return origin->name.length > 0 && socket_option(fd, SOL_SOCKET, SO_TYPE) == origin->type &&
	       is_of_protocol(origin, fd) && socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0 &&
	       network_of(fd) == origin->network && get_name(fd, out_local) &&
	       is_name_of(origin, out_local);
}
