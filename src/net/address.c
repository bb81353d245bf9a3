#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/text.h"

bool address_is_unix(const struct address *address)
{
	return address->any.sa_family == AF_UNIX;
}

bool address_is_wildcard(const struct address *address)
{
	if (address->any.sa_family == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return address->any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}

/* The bytes of a Unix name without its terminator; an abstract one begins with '\0'. */
static size_t unix_name_length(const struct address *address)
{
	size_t before = offsetof(struct sockaddr_un, sun_path);
	size_t n = address->length > before ? address->length - before : 0;

	if (n > sizeof(address->un.sun_path))
		n = sizeof(address->un.sun_path);
	return n > 0 && address->un.sun_path[0] ? strnlen(address->un.sun_path, n) : n;
}

static char *unix_text(const struct address *address, const char *unnamed,
		       char out[static ADDRESS_TEXT_MAX])
{
	const char *name = address->un.sun_path;
	size_t n = unix_name_length(address);

	if (n == 0) {
		(void)snprintf(out, ADDRESS_TEXT_MAX, "%s", unnamed);
	} else if (name[0] == '/') {
		text_escape_name(out, ADDRESS_TEXT_MAX, name, n);
	} else if (name[0]) {
		/* Bare, it could be taken for an option of a program, or for an abstract name. */
		(void)strcpy(out, "./");
		text_escape_name(out + 2, ADDRESS_TEXT_MAX - 2, name, n);
	} else {
		out[0] = '@';
		text_escape_name(out + 1, ADDRESS_TEXT_MAX - 1, name + 1, n - 1);
	}
	return out;
}

void address_unmap(struct address *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
		return;

	in.sin_port = address->in6.sin6_port;
	memcpy(&in.sin_addr, &address->in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	address->in = in;
	address->length = sizeof(in);
}

/* A socket by which names of interfaces are asked for. -1: one is opened each time. */
static int names_socket = -1;

void address_ask_names_by(int fd)
{
	names_socket = fd;
}

static bool find_interface(unsigned index, char out[static IF_NAMESIZE])
{
	struct ifreq request = { .ifr_ifindex = (int)index };

	if (names_socket < 0)
		return if_indextoname(index, out);
	if (ioctl(names_socket, SIOCGIFNAME, &request) < 0)
		return false;
	(void)snprintf(out, IF_NAMESIZE, "%s", request.ifr_name);
	return true;
}

/* A link-local address needs its interface: every interface has the same network. */
static void append_scope(const struct sockaddr_in6 *in6, char *text, size_t size)
{
	char name[IF_NAMESIZE];
	size_t n = strlen(text);

	if (in6->sin6_scope_id == 0)
		return;

	if (find_interface(in6->sin6_scope_id, name))
		(void)snprintf(text + n, size - n, "%%%s", name);
	else
		(void)snprintf(text + n, size - n, "%%%u", in6->sin6_scope_id);
}

char *address_host(const struct address *address, char out[static ADDRESS_TEXT_MAX])
{
	struct address copy;

	switch (address->any.sa_family) {
	case AF_UNIX:
		return unix_text(address, "", out);
	case AF_INET:
		(void)inet_ntop(AF_INET, &address->in.sin_addr, out, ADDRESS_TEXT_MAX);
		return out;
	case AF_INET6:
		copy = *address;
		address_unmap(&copy);
		if (copy.any.sa_family == AF_INET)
			return address_host(&copy, out);
		(void)inet_ntop(AF_INET6, &address->in6.sin6_addr, out, ADDRESS_TEXT_MAX);
		append_scope(&address->in6, out, ADDRESS_TEXT_MAX);
		return out;
	default:
		out[0] = '\0';
		return out;
	}
}

char *address_text(const struct address *address, char out[static ADDRESS_TEXT_MAX])
{
	char host[ADDRESS_TEXT_MAX];
	bool bracketed;

	/* Only Unix sockets have peers without a name. */
	if (address_is_unix(address) || address->any.sa_family == AF_UNSPEC)
		return unix_text(address, "unix", out);

	address_host(address, host);
	bracketed = strchr(host, ':') != NULL;
	(void)snprintf(out, ADDRESS_TEXT_MAX, "%s%.*s%s:%u", bracketed ? "[" : "",
		       ADDRESS_TEXT_MAX - 16, host, bracketed ? "]" : "", address_port(address));
	return out;
}

unsigned address_port(const struct address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return ntohs(address->in.sin_port);
	case AF_INET6:
		return ntohs(address->in6.sin6_port);
	default:
		return 0;
	}
}

void address_set_port(struct address *address, unsigned port)
{
	if (address->any.sa_family == AF_INET)
		address->in.sin_port = htons((uint16_t)port);
	else if (address->any.sa_family == AF_INET6)
		address->in6.sin6_port = htons((uint16_t)port);
}

bool address_equal(const struct address *a, const struct address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;

	switch (a->any.sa_family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
	case AF_UNIX:
		return unix_name_length(a) == unix_name_length(b) &&
		       memcmp(a->un.sun_path, b->un.sun_path, unix_name_length(a)) == 0;
	default:
		return true;
	}
}
