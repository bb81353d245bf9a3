#include "keeper/exec/reply-socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/listener.h"

/*
 * The sender has chosen the path, and root may connect to every socket. So the child connects,
 * with the rights of the program's user. A sender without a name gets no answer.
 */
static int open_unix(struct reply_socket *out, const struct address *peer)
{
	out->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	out->child_connects = peer->length > sizeof(sa_family_t);
	return out->fd < 0 ? -errno : 0;
}

/* Also after the listener was closed, because superd stops while a datagram of it waits. */
static void find_bound(struct address *out, const struct listener *listener)
{
	if (listener_address(listener, out) == 0)
		return;
	*out = listener->endpoint.address;
	address_set_port(out, listener->port);
}

/* The address of the listener if it is bound to one, otherwise the one that @peer has sent to. */
static int find_source(struct address *out, const struct listener *listener,
		       const struct address *peer, const struct address *local)
{
	struct address bound;

	find_bound(&bound, listener);
	*out = bound.length == 0 || address_is_wildcard(&bound) ? *local : bound;
	if (out->length == 0) {
		out->length = peer->length;
		out->any.sa_family = peer->any.sa_family;
	}
	address_unmap(out);
	address_set_port(out, address_port(&bound));
	return out->any.sa_family == peer->any.sa_family ? 0 : -EAFNOSUPPORT;
}

static int set_options(int fd, const struct listener *listener)
{
	const char *interface = listener->endpoint.interface;
	int r;

	/* Shares the port with this user only. SO_REUSEADDR would share it with every user. */
	r = socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && listener->endpoint.freebind)
		r = socket_option_set(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (r < 0)
		return r;
	if (interface[0] &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface)) < 0)
		return -errno;
	return 0;
}

int reply_socket_open(struct reply_socket *out, const struct listener *listener,
		      const struct address *peer, const struct address *local)
{
	AUTO(auto_close) int fd = -1;
	struct address source = { 0 };
	int r;

	*out = (struct reply_socket){ .fd = -1 };
	if (peer->length == 0 || peer->any.sa_family == AF_UNIX)
		return open_unix(out, peer);

	r = find_source(&source, listener, peer, local);
	if (r < 0)
		return r;
	fd = socket(peer->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = set_options(fd, listener);
	if (r < 0)
		return r;
	if (bind(fd, &source.any, source.length) < 0 || connect(fd, &peer->any, peer->length) < 0)
		return -errno;

	out->fd = take_fd(fd);
	return 0;
}
