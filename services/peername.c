/*
 * Tells a client the family and type of its socket, the address of the service, and the client's
 * own address. All of it comes from the descriptors and nothing from the environment, so this also
 * shows what every program can rely on.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

enum {
	DRAIN_MS = 1000,
};

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *length);

struct name {
	union {
		struct sockaddr any;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	} address;
	socklen_t length;
};

/* add() appends, and cuts what does not fit. One datagram holds all of it. */
struct text {
	char bytes[1024];
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *fmt, ...)
{
	size_t room = sizeof(text->bytes) - text->length;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->bytes + text->length, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		text->length += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *family_name(int family)
{
	switch (family) {
	case AF_INET:
		return "IPv4";
	case AF_INET6:
		return "IPv6";
	case AF_UNIX:
		return "Unix";
	default:
		return "unknown";
	}
}

static const char *type_name(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return "stream";
	case SOCK_DGRAM:
		return "datagram";
	case SOCK_SEQPACKET:
		return "seqpacket";
	default:
		return "unknown";
	}
}

/* A client may have bound any bytes as its path. '@' stands for the NUL of an abstract name. */
static void add_path(struct text *text, const struct name *name)
{
	const char *path = name->address.un.sun_path;
	size_t length = 0;

	if (name->length > offsetof(struct sockaddr_un, sun_path))
		length = name->length - offsetof(struct sockaddr_un, sun_path);
	if (length > 0 && path[0] != '\0')
		length = strnlen(path, length);
	if (length == 0)
		add(text, "unnamed");

	for (size_t i = 0; i < length; i++) {
		if (i == 0 && path[0] == '\0')
			add(text, "@");
		else if (path[i] < ' ' || path[i] > '~' || path[i] == '\\')
			add(text, "\\x%02x", (unsigned char)path[i]);
		else
			add(text, "%c", path[i]);
	}
}

static void add_host_and_port(struct text *text, const struct name *name)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getnameinfo(&name->address.any, name->length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		add(text, "unknown");
	else if (name->address.any.sa_family == AF_INET)
		add(text, "%s:%s", host, port);
	else if (IN6_IS_ADDR_V4MAPPED(&name->address.in6.sin6_addr))
		add(text, "%s:%s", strrchr(host, ':') + 1, port);
	else
		add(text, "[%s]:%s", host, port);
}

/* The kernel knows who made a Unix connection, but not who sent a datagram. */
static void add_owner(struct text *text, int fd)
{
	struct ucred owner;
	socklen_t length = sizeof(owner);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &length) == 0 && owner.pid > 0)
		add(text, ", pid %ld, uid %lu, gid %lu", (long)owner.pid, (unsigned long)owner.uid,
		    (unsigned long)owner.gid);
}

static void add_name(struct text *text, const char *whose, int fd, name_fn *ask)
{
	struct name name = { .length = sizeof(name.address) };

	add(text, "%s ", whose);
	if (ask(fd, &name.address.any, &name.length) < 0)
		add(text, "unknown: %s", strerror(errno));
	else if (name.address.any.sa_family == AF_UNIX)
		add_path(text, &name);
	else
		add_host_and_port(text, &name);
}

/* A datagram is plain input on descriptor 0; the socket that answers its sender is on 1. */
static int find_socket(void)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(STDIN_FILENO, (struct sockaddr *)&address, &length) == 0)
		return STDIN_FILENO;
	return STDOUT_FILENO;
}

static int socket_option(int fd, int option)
{
	socklen_t length = sizeof(int);
	int value = -1;

	(void)getsockopt(fd, SOL_SOCKET, option, &value, &length);
	return value;
}

int main(void)
{
	int fd = find_socket();
	int family = socket_option(fd, SO_DOMAIN);
	struct text text = { .length = 0 };

	if (!client_may_be_answered(fd))
		return EXIT_SUCCESS;

	add(&text, "family %s, %s\n", family_name(family), type_name(socket_option(fd, SO_TYPE)));
	add_name(&text, "server", fd, getsockname);
	add_name(&text, "\nclient", fd, getpeername);
	if (family == AF_UNIX)
		add_owner(&text, fd);
	add(&text, "\n");

	if (client_write(STDOUT_FILENO, text.bytes, text.length) < 0)
		return EXIT_FAILURE;
	client_finish(STDOUT_FILENO, DRAIN_MS);
	return EXIT_SUCCESS;
}
