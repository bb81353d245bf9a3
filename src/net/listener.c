#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "net/closer.h"
#include "net/socket-file.h"

DEFINE_AUTO(struct listener, listener_free);

int listener_new(struct listener **out, const struct endpoint *endpoint)
{
	AUTO(auto_listener_free) struct listener *listener = NULL;
	int r;

	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;

	listener->fd = -1;
	r = endpoint_copy(&listener->endpoint, endpoint);
	if (r < 0)
		return r;

	*out = take_ptr(listener);
	return 0;
}

static int family_of(const struct listener *listener)
{
	return listener->endpoint.address.any.sa_family;
}

/* Whether the socket has, or will have, a file. */
static bool has_path(const struct listener *listener)
{
	return family_of(listener) == AF_UNIX && listener->endpoint.address.un.sun_path[0];
}

/* A port that is free for both families, or 0. Another process may take it at any time. */
static unsigned find_free_port(int type)
{
	struct address any = { .in6 = { .sin6_family = AF_INET6 }, .length = sizeof(any.in6) };
	AUTO(auto_close) int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || socket_option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0 ||
	    bind(fd, &any.any, any.length) < 0 || getsockname(fd, &any.any, &any.length) < 0)
		return 0;
	return address_port(&any);
}

/* Where to bind: the endpoint, and for port 0 the port that it had, or one free for both of a pair.
 */
static struct address choose_address(const struct listener *listener)
{
	struct address address = listener->endpoint.address;

	if (listener->port)
		address_set_port(&address, listener->port);
	else if (listener->endpoint.paired && address_port(&address) == 0)
		address_set_port(&address, find_free_port(listener->endpoint.type));
	return address;
}

static int bind_and_listen(struct listener *listener, int fd,
			   const struct listener_options *options)
{
	struct address address = choose_address(listener);
	struct stat file;
	int r;

	if (has_path(listener)) {
		r = socket_file_open(fd, &address, options, &file);
		if (r < 0)
			return r;
		listener->file_device = file.st_dev;
		listener->file_inode = file.st_ino;
		return 0;
	}

	if (bind(fd, &address.any, address.length) < 0)
		return -errno;
	if (listener->endpoint.type != SOCK_DGRAM && listen(fd, options->backlog) < 0)
		return -errno;
	return 0;
}

/* A service manager that has passed the socket may have refused them itself. */
static void set_rights(const struct listener *listener, int fd,
		       const struct listener_options *options)
{
	if (family_of(listener) == AF_UNIX && (options->no_rights || !listener->adopted))
		(void)socket_option_set(fd, SOL_SOCKET, SO_PASSRIGHTS, !options->no_rights);
}

/* After bind() only, so that the port is never shared with another program's socket. */
static int share_port(const struct listener *listener, int fd,
		      const struct listener_options *options)
{
	if (!options->share_port || !endpoint_is_udp(&listener->endpoint))
		return 0;
	return socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static void note_port(struct listener *listener)
{
	struct address local;

	if (listener_address(listener, &local) == 0)
		listener->port = address_port(&local);
}

int listener_open(struct listener *listener, const struct listener_options *options)
{
	struct buffer_sizes initial = { 0 };
	AUTO(auto_close) int fd = -1;
	int r;

	assert(listener->fd < 0);

	r = endpoint_find_scope(&listener->endpoint);
	if (r < 0)
		return r;
	fd = socket(family_of(listener), listener->endpoint.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	/* A TCP window is as large as the buffer was when the socket began to listen. */
	r = socket_options_prepare(fd, &listener->endpoint);
	if (r < 0)
		return r;
	r = socket_options_apply(fd, &listener->endpoint, options, &initial);
	if (r < 0)
		return r;
	listener->adopted = false;
	set_rights(listener, fd, options);
	r = bind_and_listen(listener, fd, options);
	if (r < 0)
		return r;
	r = share_port(listener, fd, options);
	if (r < 0)
		return r;

	listener->fd = take_fd(fd);
	listener->initial = initial;
	note_port(listener);
	origin_of(&listener->origin, listener->fd);
	return 0;
}

bool listener_may_retry(int error)
{
	switch (-error) {
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case EAGAIN:
	case EDQUOT:
	case EEXIST:
	case EIO:
	case EMFILE:
	case ENETDOWN:
	case ENETUNREACH:
	case ENFILE:
	case ENOBUFS:
	case ENODEV:
	case ENOENT:
	case ENOMEM:
	case ENOSPC:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

static int get_address(int fd, struct address *out)
{
	*out = (struct address){ .length = sizeof(*out) - offsetof(struct address, any) };
	return getsockname(fd, &out->any, &out->length) < 0 ? -errno : 0;
}

int listener_adopt(struct listener *listener, int fd, const struct listener_options *options)
{
	bool v6only = listener->endpoint.v6only;
	int r;

	assert(listener->fd < 0);

	r = fd_set_blocking(fd, false);
	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;

	listener->fd = fd;
	listener->adopted = true;
	if (family_of(listener) == AF_INET6)
		listener->endpoint.v6only = socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
	r = listener_apply(listener, options);
	if (r < 0) {
		listener->fd = -1;
		listener->adopted = false;
		listener->endpoint.v6only = v6only;
		return r;
	}
	origin_of(&listener->origin, listener->fd);
	return 0;
}

static int apply_to_sockets(struct listener *listener, const struct listener_options *options)
{
	struct buffer_sizes initial = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < listener_n_sockets(listener); i++) {
		initial = listener->initial;
		r = socket_options_apply(listener_socket(listener, i), &listener->endpoint, options,
					 &initial);
	}
	listener->initial = initial;
	return r;
}

int listener_apply(struct listener *listener, const struct listener_options *options)
{
	int r;

	if (listener->fd < 0)
		return 0;

	if (listener->endpoint.type != SOCK_DGRAM && listen(listener->fd, options->backlog) < 0)
		return -errno;
	set_rights(listener, listener->fd, options);
	r = apply_to_sockets(listener, options);
	if (r < 0)
		return r;
	r = share_port(listener, listener->fd, options);
	if (r < 0)
		return r;

	return listener->file_inode
		       ? socket_file_apply(&listener->endpoint.address, listener->file_device,
					   listener->file_inode, options)
		       : 0;
}

int listener_open_beside(const struct listener *listener, const struct address *address,
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

int listener_open_others(struct listener *listener, const struct listener_options *options,
			 size_t n)
{
	struct address bound;
	int *others;
	int r;

	if (listener->fd < 0 || !endpoint_is_udp(&listener->endpoint) ||
	    listener_n_sockets(listener) >= n)
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
		int fd = listener_open_beside(listener, &bound, options);

		if (fd < 0)
			return fd;
		others[listener->n_others++] = fd;
	}
	return 0;
}

void listener_close_others(struct listener *listener, size_t n)
{
	while (listener->n_others > 0 && listener->n_others >= n)
		close(listener->others[--listener->n_others]);
	if (listener->n_others == 0)
		free(take_ptr(listener->others));
}

void listener_close(struct listener *listener)
{
	listener_close_others(listener, 1);
	/* Clients of a Unix socket that wait there may have sent descriptors. */
	closer_release(take_fd(listener->fd));
	listener->file_inode = 0;
}

/*
 * An older front may still have the socket open, and clients could still connect to it. Sockets of
 * a program, or of a service manager that has passed them, are left as they are.
 */
static void refuse_clients(const struct listener *listener)
{
	if (listener->fd >= 0 && !listener->adopted && !listener->busy)
		(void)shutdown(listener->fd, SHUT_RDWR);
}

void listener_withdraw(struct listener *listener)
{
	refuse_clients(listener);
	if (listener->file_inode)
		(void)socket_file_remove(&listener->endpoint.address, listener->file_device,
					 listener->file_inode);
	listener_close(listener);
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;

	listener_withdraw(listener);
	endpoint_fini(&listener->endpoint);
	free(listener);
}

/* Errors of accept(2) that concern one client only, which has gone. */
static bool is_lost_client(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EINTR:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPERM:
	case EPROTO:
		return true;
	default:
		return false;
	}
}

int listener_accept(const struct listener *listener, int flags, struct address *out_peer)
{
	struct address peer = { .length = sizeof(peer) - offsetof(struct address, any) };
	int fd;

	fd = accept4(listener->fd, &peer.any, &peer.length, flags | SOCK_CLOEXEC);
	if (fd < 0)
		return is_lost_client(errno) ? -ECONNABORTED : -errno;

	address_unmap(&peer);
	*out_peer = peer;
	return fd;
}

int listener_address(const struct listener *listener, struct address *out)
{
	/* One that was passed may have been bound by another path to the same file. */
	if (family_of(listener) == AF_UNIX) {
		*out = listener->endpoint.address;
		return 0;
	}

	return listener->fd < 0 ? -EBADF : get_address(listener->fd, out);
}

char *listener_text(const struct listener *listener, char out[static ADDRESS_TEXT_MAX])
{
	struct endpoint endpoint = listener->endpoint;
	struct address address;

	if (listener_address(listener, &address) == 0)
		address_set_port(&endpoint.address, address_port(&address));

	endpoint_write_text(&endpoint, out, ADDRESS_TEXT_MAX);
	return out;
}
