#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "base/text.h"

/* Room for every byte of a path as \xNN, and for an interface. */
#define TEXT_MAX (4 * sizeof(((struct sockaddr_un *)0)->sun_path) + 64)

static bool has_ipv6_loopback(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	AUTO(auto_close) int fd = -1;

	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && bind(fd, (const struct sockaddr *)&in6, sizeof(in6)) == 0;
}

/* The loopback interface may be down while another one is up. */
static bool has_ipv6_interface(void)
{
	AUTO(auto_close) int fd = -1;
	char byte;

	fd = open("/proc/net/if_inet6", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &byte, 1) == 1;
}

bool endpoint_system_has_ipv6(void)
{
	static enum { UNKNOWN, NO, YES } answer;
	AUTO(auto_close) int fd = -1;

	if (answer != UNKNOWN)
		return answer == YES;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* To have no descriptor left does not mean that IPv6 is missing. */
	answer = fd < 0 && (errno == EAFNOSUPPORT || errno == EACCES || errno == EPERM) ? NO : YES;
	return answer == YES;
}

static void set_ipv4(struct address *out, struct in_addr in)
{
	*out = (struct address){ .length = sizeof(out->in) };
	out->in.sin_family = AF_INET;
	out->in.sin_addr = in;
}

static void set_ipv6(struct address *out, struct in6_addr in6, unsigned scope)
{
	*out = (struct address){ .length = sizeof(out->in6) };
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_addr = in6;
	out->in6.sin6_scope_id = scope;
}

static void set_wildcard(struct address *out, int family)
{
	if (family == AF_INET6 || (family == AF_UNSPEC && endpoint_system_has_ipv6()))
		set_ipv6(out, in6addr_any, 0);
	else
		set_ipv4(out, (struct in_addr){ .s_addr = htonl(INADDR_ANY) });
}

/* The number of the interface with this name or number, or 0 if it does not exist. */
static unsigned find_scope(const char *text)
{
	unsigned index = if_nametoindex(text);
	int64_t number;

	if (index || number_parse(text, 1, UINT32_MAX, &number) < 0)
		return index;
	return (unsigned)number;
}

/* Returns whether @host is numeric. */
static bool set_numeric(struct address *out, const char *host)
{
	char copy[sizeof(((struct endpoint_text *)0)->host)];
	struct in6_addr in6;
	struct in_addr in;
	char *percent;

	if (inet_pton(AF_INET, host, &in) == 1) {
		set_ipv4(out, in);
		return true;
	}

	(void)snprintf(copy, sizeof(copy), "%s", host);
	percent = strchr(copy, '%');
	if (percent)
		*percent = '\0';
	if (inet_pton(AF_INET6, copy, &in6) != 1)
		return false;

	set_ipv6(out, in6, percent ? find_scope(percent + 1) : 0);
	return true;
}

static int lookup_error(int code)
{
	switch (code) {
	case EAI_AGAIN:
	case EAI_FAIL:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno ? -errno : -EIO;
	default:
		return -ENOENT;
	}
}

static bool is_among(const struct address *address, const struct address *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (address_equal(address, &known[i]))
			return true;
	return false;
}

static int lookup_name(const struct endpoint_text *text, struct address *out, size_t max)
{
	const struct addrinfo hints = { .ai_family = text->family, .ai_socktype = text->type };
	/* Whether this machine can have one of the IPv6 addresses of the name now. */
	bool with_ipv6 = has_ipv6_loopback() || has_ipv6_interface();
	struct addrinfo *found;
	size_t n = 0;
	int r;

	r = getaddrinfo(text->host, NULL, &hints, &found);
	if (r != 0)
		return lookup_error(r);

	for (const struct addrinfo *at = found; at && n <= max; at = at->ai_next) {
		struct address address = { .length = at->ai_addrlen };

		if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
			continue;
		if (at->ai_family == AF_INET6 && !with_ipv6)
			continue;
		memcpy(&address.any, at->ai_addr, at->ai_addrlen);
		address_unmap(&address);
		if (is_among(&address, out, n < max ? n : max))
			continue;
		if (n < max)
			out[n] = address;
		n++;
	}

	freeaddrinfo(found);
	if (n > max)
		return -E2BIG;
	return n > 0 ? (int)n : -ENOENT;
}

bool endpoint_needs_lookup(const struct endpoint_text *text)
{
	struct address address;

	return text->family != AF_UNIX && text->host[0] && !set_numeric(&address, text->host);
}

int endpoint_lookup(const struct endpoint_text *text, struct address *out, size_t max)
{
	if (text->family == AF_UNIX)
		*out = text->path;
	else if (!text->host[0])
		set_wildcard(out, text->family);
	else if (!set_numeric(out, text->host))
		return lookup_name(text, out, max);
	return 1;
}

/* Makes two paths to one directory equal. A path that cannot be resolved stays as it is. */
static void resolve_directory(struct address *address)
{
	struct sockaddr_un *un = &address->un;
	char path[sizeof(un->sun_path)], directory[PATH_MAX];
	char *name;
	size_t n;

	if (!un->sun_path[0])
		return;

	(void)memcpy(path, un->sun_path, sizeof(path));
	name = strrchr(path, '/');
	if (!name || name == path)
		return;
	*name++ = '\0';
	if (!realpath(path, directory))
		return;

	n = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
	if (n + 1 + strlen(name) >= sizeof(un->sun_path))
		return;
	memcpy(un->sun_path, directory, n);
	address->length =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 2 + strlen(name));
	(void)snprintf(un->sun_path + n, sizeof(un->sun_path) - n, "/%s", name);
}

static void write_unix(const struct endpoint *endpoint, char *out, size_t size)
{
	const struct sockaddr_un *un = &endpoint->address.un;
	bool is_abstract = !un->sun_path[0];
	const char *kind = endpoint->type == SOCK_STREAM  ? "unix"
			   : endpoint->type == SOCK_DGRAM ? "unix-dgram"
							  : "unix-seqpacket";
	size_t n = endpoint->address.length - offsetof(struct sockaddr_un, sun_path) - 1;
	int head = snprintf(out, size, "%s:%s", kind, is_abstract ? "@" : "");

	text_escape_name(out + head, size - (size_t)head, un->sun_path + is_abstract, n);
}

/* Only for a wildcard does it matter whether an IPv6 socket takes IPv4 clients. */
static void write_inet(const struct endpoint *endpoint, char *out, size_t size)
{
	bool v6only = endpoint->v6only && endpoint->address.any.sa_family == AF_INET6 &&
		      address_is_wildcard(&endpoint->address);
	char text[ADDRESS_TEXT_MAX], host[INET6_ADDRSTRLEN];

	address_text(&endpoint->address, text);
	if (endpoint->scope[0])
		(void)snprintf(
			text, sizeof(text), "[%s%%%s]:%u",
			inet_ntop(AF_INET6, &endpoint->address.in6.sin6_addr, host, sizeof(host)),
			endpoint->scope, address_port(&endpoint->address));

	(void)snprintf(out, size, "%s%s:%s%s%s", endpoint->type == SOCK_STREAM ? "tcp" : "udp",
		       v6only ? "6" : "", text, endpoint->interface[0] ? "%" : "",
		       endpoint->interface);
}

void endpoint_set_scope(struct endpoint *endpoint, const char *interface)
{
	unsigned index = find_scope(interface);

	if (!index || !if_indextoname(index, endpoint->scope))
		(void)snprintf(endpoint->scope, sizeof(endpoint->scope), "%s", interface);
}

int endpoint_find_scope(struct endpoint *endpoint)
{
	unsigned index;

	if (!endpoint->scope[0])
		return 0;
	index = find_scope(endpoint->scope);
	if (!index)
		return -ENODEV;
	endpoint->address.in6.sin6_scope_id = index;
	return 0;
}

void endpoint_write_text(const struct endpoint *endpoint, char *out, size_t size)
{
	if (address_is_unix(&endpoint->address))
		write_unix(endpoint, out, size);
	else
		write_inet(endpoint, out, size);
}

int endpoint_set_text(struct endpoint *endpoint)
{
	char buffer[TEXT_MAX];
	char *text;

	if (address_is_unix(&endpoint->address))
		resolve_directory(&endpoint->address);
	endpoint_write_text(endpoint, buffer, sizeof(buffer));

	text = strdup(buffer);
	if (!text)
		return -ENOMEM;

	free(endpoint->text);
	endpoint->text = text;
	return 0;
}

int endpoint_copy(struct endpoint *out, const struct endpoint *endpoint)
{
	char *text = NULL;

	if (endpoint->text) {
		text = strdup(endpoint->text);
		if (!text)
			return -ENOMEM;
	}

	*out = *endpoint;
	out->text = text;
	return 0;
}

void endpoint_fini(struct endpoint *endpoint)
{
	if (!endpoint)
		return;
	free(take_ptr(endpoint->text));
}

bool endpoint_are_pair(const struct endpoint *a, const struct endpoint *b)
{
	return a->paired && b->paired && a->type == b->type &&
	       a->address.any.sa_family != b->address.any.sa_family &&
	       address_port(&a->address) == address_port(&b->address) &&
	       strcmp(a->interface, b->interface) == 0;
}

/* Interfaces that do not exist yet have no number, so their names are compared. */
static bool same_scope(const struct endpoint *a, const struct endpoint *b)
{
	return a->address.any.sa_family != AF_INET6 || a->address.in6.sin6_scope_id ||
	       strcmp(a->scope, b->scope) == 0;
}

static bool hosts_collide(const struct endpoint *a, const struct endpoint *b)
{
	int family_a = a->address.any.sa_family, family_b = b->address.any.sa_family;

	if (family_a == family_b)
		return address_is_wildcard(&a->address) || address_is_wildcard(&b->address) ||
		       (address_equal(&a->address, &b->address) && same_scope(a, b));

	/* One is IPv6, which takes IPv4 clients too only as a wildcard. */
	return family_a == AF_INET6 ? address_is_wildcard(&a->address) && !a->v6only
				    : address_is_wildcard(&b->address) && !b->v6only;
}

bool endpoint_collides(const struct endpoint *a, const struct endpoint *b)
{
	bool unix_a = address_is_unix(&a->address), unix_b = address_is_unix(&b->address);
	unsigned port = address_port(&a->address);

	/* A path is one file for all types of sockets. Each type has its own abstract names. */
	if (unix_a || unix_b)
		return unix_a && unix_b && address_equal(&a->address, &b->address) &&
		       (a->type == b->type || a->address.un.sun_path[0]);

	if (a->type != b->type || port == 0 || port != address_port(&b->address))
		return false;
	if (a->interface[0] && b->interface[0] && strcmp(a->interface, b->interface) != 0)
		return false;
	return hosts_collide(a, b);
}
