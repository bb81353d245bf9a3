#include "net/socket-options.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net/endpoint.h"

/* Bits of SO_BUF_LOCK: the size was set, so the kernel does not tune it any more. */
#define SEND_LOCK 1
#define RECEIVE_LOCK 2

int socket_option(int fd, int level, int name)
{
	socklen_t length = sizeof(int);
	int value;

	return getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value;
}

int socket_option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_for_family(int fd, const struct endpoint *endpoint)
{
	bool v6 = endpoint->address.any.sa_family == AF_INET6;
	int r;

	if (v6) {
		r = socket_option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, endpoint->v6only);
		if (r < 0)
			return r;
	}
	if (!endpoint->freebind)
		return 0;
	return v6 ? socket_option_set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
		  : socket_option_set(fd, IPPROTO_IP, IP_FREEBIND, 1);
}

int socket_options_prepare(int fd, const struct endpoint *endpoint)
{
	int r = 0;

	if (address_is_unix(&endpoint->address))
		return 0;

	/* For datagrams SO_REUSEADDR would let another process take over the port. */
	if (endpoint->type == SOCK_STREAM)
		r = socket_option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0)
		r = set_for_family(fd, endpoint);
	if (r < 0)
		return r;

	if (endpoint->interface[0] &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, endpoint->interface,
		       (socklen_t)strlen(endpoint->interface)) < 0)
		return -errno;
	return 0;
}

/*
 * On a socket for both families the IPv6 option also describes IPv4 datagrams, but for a broadcast
 * or multicast it does not say which address of this machine received it.
 */
static int set_packet_info(int fd, const struct endpoint *endpoint, bool wanted)
{
	bool v6 = endpoint->address.any.sa_family == AF_INET6;
	int r = v6 ? socket_option_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, wanted) : 0;

	if (r < 0 || (v6 && endpoint->v6only))
		return r;
	return socket_option_set(fd, IPPROTO_IP, IP_PKTINFO, wanted);
}

static void unlock(int fd, int lock)
{
	int locks = socket_option(fd, SOL_SOCKET, SO_BUF_LOCK);

	if (locks > 0)
		(void)socket_option_set(fd, SOL_SOCKET, SO_BUF_LOCK, locks & ~lock);
}

static void resize(int fd, int lock, int size, int *initial)
{
	int name = lock == SEND_LOCK ? SO_SNDBUF : SO_RCVBUF;
	int force = lock == SEND_LOCK ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
	int value = size > 0 ? size : *initial;

	if (value <= 0)
		return;
	if (*initial == 0)
		*initial = socket_option(fd, SOL_SOCKET, name) / 2;
	if (socket_option_set(fd, SOL_SOCKET, force, value) < 0)
		(void)socket_option_set(fd, SOL_SOCKET, name, value);
	if (size == 0) {
		unlock(fd, lock);
		*initial = 0;
	}
}

int socket_options_apply(int fd, const struct endpoint *endpoint,
			 const struct listener_options *options, struct buffer_sizes *initial)
{
	resize(fd, RECEIVE_LOCK, options->rcvbuf, &initial->receive);
	resize(fd, SEND_LOCK, options->sndbuf, &initial->send);

	/* Without these a client can be served as well, so a failure is ignored. */
	if (endpoint->type == SOCK_STREAM && !address_is_unix(&endpoint->address)) {
		(void)socket_option_set(fd, SOL_SOCKET, SO_KEEPALIVE, options->keepalive);
		(void)socket_option_set(fd, IPPROTO_TCP, TCP_NODELAY, options->nodelay);
	}

	/* On Unix sockets the kernel drops nothing, because the senders wait. */
	if (!endpoint_is_udp(endpoint))
		return 0;
	(void)socket_option_set(fd, SOL_SOCKET, SO_RXQ_OVFL, options->report_drops);
	return set_packet_info(fd, endpoint, options->packet_info);
}

struct buffer_sizes socket_buffers(int fd)
{
	return (struct buffer_sizes){ .receive = socket_option(fd, SOL_SOCKET, SO_RCVBUF) / 2,
				      .send = socket_option(fd, SOL_SOCKET, SO_SNDBUF) / 2 };
}

uint32_t socket_drops(int fd)
{
	uint32_t values[SK_MEMINFO_VARS] = { 0 };
	socklen_t length = sizeof(values);

	(void)getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length);
	return values[SK_MEMINFO_DROPS];
}
