#include "keeper/listen/listener-repair.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/listen/socket-record.h"

#ifndef MSG_PROBE
#define MSG_PROBE 0x10
#endif

static bool is_datagram(const struct listener *listener)
{
	return listener->endpoint.type == SOCK_DGRAM;
}

/* Such a socket loses its port when it is disconnected. */
static bool has_any_port(const struct listener *listener)
{
	const struct address *address = &listener->endpoint.address;

	return !address_is_unix(address) && address_port(address) == 0;
}

/*
 * A UDP socket may be connected to port 0, and then has no name of a peer. But only if it has a
 * peer may a datagram be sent without an address. With MSG_PROBE nothing is sent.
 */
static bool has_peer(const struct listener *listener, int fd)
{
	struct address peer = { .length = sizeof(peer.un) };

	if (getpeername(fd, &peer.any, &peer.length) == 0)
		return true;
	return endpoint_is_udp(&listener->endpoint) &&
	       (send(fd, "", 0, MSG_PROBE | MSG_DONTWAIT | MSG_NOSIGNAL) == 0 ||
		errno != EDESTADDRREQ);
}

/* An interface may have several names. Without an interface there is no number to compare. */
static bool is_same_interface(const char *a, const char *b)
{
	unsigned number_a = if_nametoindex(a), number_b = if_nametoindex(b);

	if (*a == '\0' || *b == '\0')
		return *a == *b;
	return number_a == number_b || number_a == 0 || number_b == 0;
}

/* Link-local addresses bind the socket to an interface as well. */
static bool is_on_interface(const struct listener *listener, int fd)
{
	const struct endpoint *endpoint = &listener->endpoint;
	char interface[IFNAMSIZ + 1] = "";
	socklen_t length = IFNAMSIZ;

	if (address_is_unix(&endpoint->address) || listener->adopted ||
	    (endpoint->address.any.sa_family == AF_INET6 &&
	     IN6_IS_ADDR_LINKLOCAL(&endpoint->address.in6.sin6_addr)) ||
	    getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, &length) < 0)
		return true;
	return is_same_interface(interface, endpoint->interface);
}

/* Disconnecting releases the interface, so such a socket is opened anew instead. */
static void disconnect(const struct listener *listener, int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (listener->endpoint.interface[0] == '\0' && !has_any_port(listener) &&
	    has_peer(listener, fd))
		(void)connect(fd, &none, sizeof(none));
}

/* Accepted sockets have the option of their listener: to close them would wait. */
static void mend(const struct listener *listener, int fd, int backlog)
{
	const struct linger none = { 0 };
	int unused = 0;

	if (is_datagram(listener))
		disconnect(listener, fd);
	else if (socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0 && !has_any_port(listener))
		(void)listen(fd, backlog);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof(unused));
}

/* Returns whether the kernel says that nothing may be received. */
static bool is_shut(int fd)
{
	struct pollfd found = { .fd = fd, .events = POLLRDHUP };

	return poll(&found, 1, 0) > 0 && (found.revents & (POLLHUP | POLLRDHUP)) != 0;
}

/*
 * Whether sending is shut down, of which the kernel says nothing. An empty datagram goes to a
 * socket that is made for it, where nobody reads it.
 */
static bool is_mute(const struct listener *listener, int fd)
{
	sa_family_t family = listener->endpoint.address.any.sa_family;
	AUTO(auto_close) int other = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct address to = { .any.sa_family = family, .length = sizeof(to.any.sa_family) };

	if (family == AF_INET)
		to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (family == AF_INET6)
		to.in6.sin6_addr = in6addr_loopback;
	if (family != AF_UNIX)
		to.length = family == AF_INET ? sizeof(to.in) : sizeof(to.in6);

	if (other < 0 || bind(other, &to.any, to.length) < 0)
		return false;
	to.length = sizeof(to.un);
	if (getsockname(other, &to.any, &to.length) < 0)
		return false;
	return sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, to.length) < 0 &&
	       errno == EPIPE;
}

static bool has_lost_its_port(const struct listener *listener, int fd)
{
	struct address local = { .length = sizeof(local.un) };

	return listener->port != 0 && getsockname(fd, &local.any, &local.length) == 0 &&
	       address_port(&local) != listener->port;
}

const char *listener_check(const struct listener *listener, int fd, int backlog,
			   const struct socket_record *before)
{
	mend(listener, fd, backlog);
	if (is_datagram(listener) ? has_peer(listener, fd)
				  : socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0)
		return is_datagram(listener) ? "it was connected" : "it was shut down";
	if (is_shut(fd) || (is_datagram(listener) && is_mute(listener, fd)))
		return "it was shut down";
	if (socket_option(fd, SOL_SOCKET, SO_LOCK_FILTER) > 0)
		return "a filter was locked on it";
	if (has_lost_its_port(listener, fd))
		return "it has lost its port";
	if (!is_on_interface(listener, fd))
		return "its interface was changed";
	return before ? socket_record_restore(before, fd) : NULL;
}

int listener_apply_lent(struct listener *listener, const struct listener_options *options,
			struct socket_record *lent)
{
	struct socket_record *before = NULL;
	int r;

	if (!lent)
		return listener_apply(listener, options);
	r = socket_record_renew(&before, listener->fd);
	if (r < 0)
		return r;
	r = listener_apply(listener, options);
	socket_record_follow(lent, before, listener->fd);
	socket_record_free(before);
	return r;
}

/*
 * Lets another socket have the address of @fd, which other processes may have open. With itself as
 * its only peer it takes no datagrams from the other one.
 */
static void set_aside(int fd)
{
	struct address own = { .length = sizeof(own.un) };

	(void)socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (getsockname(fd, &own.any, &own.length) == 0)
		(void)connect(fd, &own.any, own.length);
}

static int reopen_udp(struct listener *listener, size_t i, const struct listener_options *options)
{
	struct address address = listener->endpoint.address;
	int *socket = i == 0 ? &listener->fd : &listener->others[i - 1];
	int fd;

	address_set_port(&address, listener->port);
	set_aside(*socket);
	fd = listener_open_beside(listener, &address, options);
	if (fd < 0)
		return fd;
	if (!options->share_port && listener->n_others == 0)
		(void)socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 0);
	close(*socket);
	*socket = fd;
	return 0;
}

int listener_reopen(struct listener *listener, size_t i, const struct listener_options *options)
{
	int r;

	if (endpoint_is_udp(&listener->endpoint) && listener->port) {
		r = reopen_udp(listener, i, options);
		if (r < 0)
			listener_withdraw(listener);
		return r;
	}
	if (listener->endpoint.type == SOCK_STREAM && !address_is_unix(&listener->endpoint.address))
		(void)socket_option_set(listener->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	listener_withdraw(listener);
	return listener_open(listener, options);
}
