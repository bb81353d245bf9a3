#include "net/listener-reuseport.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/listener.h"

static int open_one(const struct listener *listener, const struct address *address,
		    const struct listener_options *options)
{
	struct buffer_sizes initial = { 0 };
	AUTO(auto_close) int fd = -1;
	int r;

	fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	r = socket_options_prepare(fd, &listener->endpoint);
	if (r == 0)
		r = socket_options_apply(fd, &listener->endpoint, options, &initial);
	if (r == 0)
		r = socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r < 0)
		return r;

	if (bind(fd, &address->any, address->length) < 0)
		return -errno;
	return take_fd(fd);
}

static bool may_have_others(const struct listener *listener)
{
	return listener->fd >= 0 && listener->endpoint.type == SOCK_DGRAM &&
	       !address_is_unix(&listener->endpoint.address);
}

int listener_reuseport_open(struct listener *listener, const struct listener_options *options,
			    size_t n)
{
	struct address bound;
	int *others;
	int r;

	if (!may_have_others(listener) || listener_n_sockets(listener) >= n)
		return 0;

	r = listener_address(listener, &bound);
	if (r < 0)
		return r;
	r = socket_option_set(listener->fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r < 0)
		return r;
	others = reallocarray(listener->others, n - 1, sizeof(*others));
	if (!others)
		return -ENOMEM;
	listener->others = others;

	while (listener_n_sockets(listener) < n) {
		int fd = open_one(listener, &bound, options);

		if (fd < 0)
			return fd;
		others[listener->n_others++] = fd;
	}
	return 0;
}
