#include "net/endpoint-parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/answers.h"
#include "base/number.h"
#include "base/text.h"

#define PORT_MAX 65535
#define PATH_BYTES_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define DIGITS "0123456789"

struct kind {
	const char *name;
	int type;
	int family;
};

static const struct kind kinds[] = {
	{ "tcp", SOCK_STREAM, AF_UNSPEC },
	{ "tcp4", SOCK_STREAM, AF_INET },
	{ "tcp6", SOCK_STREAM, AF_INET6 },
	{ "udp", SOCK_DGRAM, AF_UNSPEC },
	{ "udp4", SOCK_DGRAM, AF_INET },
	{ "udp6", SOCK_DGRAM, AF_INET6 },
	{ "unix", SOCK_STREAM, AF_UNIX },
	{ "unix-dgram", SOCK_DGRAM, AF_UNIX },
	{ "unix-seqpacket", SOCK_SEQPACKET, AF_UNIX },
};

/* Writes the message and returns -EINVAL. */
__attribute__((__format__(__printf__, 2, 3))) static int refuse(const char **out_why,
								const char *fmt, ...)
{
	static char why[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);

	*out_why = why;
	return -EINVAL;
}

/* @wanted says what the option takes. @found follows it, quoted and escaped. */
static int refuse_text(const char **out_why, const char *wanted, const char *found, size_t n)
{
	char quoted[160];

	text_escape(quoted, sizeof(quoted), found, n);
	return refuse(out_why, "takes %s, not '%s'", wanted, quoted);
}

static const struct kind *find_kind(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0)
			return &kinds[i];
	return NULL;
}

static int parse_port_number(const char *text, size_t n, unsigned *out)
{
	char digits[8];
	int64_t value;
	int r;

	if (n >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, text, n);
	digits[n] = '\0';

	r = number_parse(digits, 0, PORT_MAX, &value);
	if (r < 0)
		return r;
	*out = (unsigned)value;
	return 0;
}

static const char *name_of(int type)
{
	return type == SOCK_DGRAM ? "udp" : "tcp";
}

/* Returns a port of the services database, or -1. The rehearsal keeps the answer. */
static int find_port(const char *text, int type)
{
	const struct servent *entry;
	int port = -1;

	if (answers_take_fixed(type == SOCK_DGRAM ? 'd' : 't', text, &port, sizeof(port)) <= 0)
		return port > PORT_MAX ? -1 : port;
	entry = getservbyname(text, name_of(type));
	if (entry)
		port = ntohs((uint16_t)entry->s_port);
	answers_keep(type == SOCK_DGRAM ? 'd' : 't', text, &port, sizeof(port));
	return port;
}

static int parse_port_name(struct endpoint_text *out, const char *text, const char **out_why)
{
	int other = out->type == SOCK_DGRAM ? SOCK_STREAM : SOCK_DGRAM;
	int port = find_port(text, out->type);

	if (port < 0 && find_port(text, other) >= 0)
		return refuse(out_why,
			      "takes a name that the services database has for %s; it has '%s' for "
			      "%s only",
			      name_of(out->type), text, name_of(other));
	if (port < 0)
		return refuse_text(out_why,
				   "a port from 0 to 65535 or a name of the services database",
				   text, strlen(text));

	out->port_first = (unsigned)port;
	out->port_last = out->port_first;
	return 0;
}

static int parse_ports(struct endpoint_text *out, const char *text, const char **out_why)
{
	size_t n = strspn(text, DIGITS);
	const char *last = text + n + 1;

	/* A name may begin with a digit and contain a '-', but digits on both sides are a range. */
	if (n == 0 || (text[n] && (text[n] != '-' || last[strspn(last, DIGITS)])))
		return parse_port_name(out, text, out_why);

	if (parse_port_number(text, n, &out->port_first) < 0)
		return refuse_text(out_why, "a port from 0 to 65535", text, n);
	out->port_last = out->port_first;
	if (!text[n])
		return 0;

	if (parse_port_number(last, strlen(last), &out->port_last) < 0)
		return refuse_text(out_why, "a port from 0 to 65535", text, strlen(text));
	if (out->port_first == 0 || out->port_last < out->port_first)
		return refuse_text(out_why, "a range of ports from a lower to a higher one", text,
				   strlen(text));
	return 0;
}

/* A v4-mapped address stands for the IPv4 one. */
static void set_ipv6_host(struct endpoint_text *out, const struct in6_addr *address)
{
	out->family = AF_INET6;
	if (!IN6_IS_ADDR_V4MAPPED(address))
		return;

	out->family = AF_INET;
	(void)inet_ntop(AF_INET, &address->s6_addr[12], out->host, sizeof(out->host));
}

static int parse_ipv6_host(struct endpoint_text *out, const char **out_why)
{
	char host[sizeof(out->host)];
	struct in6_addr address;
	char *scope;

	(void)snprintf(host, sizeof(host), "%s", out->host);
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';

	if (inet_pton(AF_INET6, host, &address) != 1 || (scope && !*scope) ||
	    (scope && strlen(scope) >= IFNAMSIZ))
		return refuse_text(out_why, "an IPv6 address in brackets", out->host,
				   strlen(out->host));

	set_ipv6_host(out, &address);
	return 0;
}

static int parse_plain_host(struct endpoint_text *out, const char **out_why)
{
	const char *host = out->host;
	struct in_addr address;

	if (strchr(host, ':'))
		return refuse_text(out_why, "an IPv6 address in brackets, as in 'tcp:[::1]:80'",
				   host, strlen(host));

	if (inet_pton(AF_INET, host, &address) == 1) {
		out->family = AF_INET;
		return 0;
	}
	if (!host[strspn(host, DIGITS ".")])
		return refuse_text(out_why, "an IPv4 address of four numbers", host, strlen(host));

	if (strcmp(host, "*") == 0)
		return refuse(out_why, "takes no '*'; for every address leave it out, as in "
				       "'tcp:80'");
	for (const char *at = host; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("-._", *at))
			return refuse_text(out_why, "an address or the name of a host", host,
					   strlen(host));
	return 0;
}

/* @host is what stands before the last ':', brackets included. */
static int parse_host(struct endpoint_text *out, const char *host, size_t n, const char **out_why)
{
	bool bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
	int family = out->family;
	int r;

	if (n == 0)
		return refuse(out_why, "takes a host before the ':' of the port, or no such ':'");
	if (n >= sizeof(out->host))
		return refuse(out_why, "takes a host of at most %zu characters",
			      sizeof(out->host) - 1);

	if (bracketed) {
		host++;
		n -= 2;
	}
	memcpy(out->host, host, n);
	out->host[n] = '\0';

	r = bracketed ? parse_ipv6_host(out, out_why) : parse_plain_host(out, out_why);
	if (r < 0)
		return r;
	if (family == AF_INET && out->family == AF_INET6)
		return refuse_text(out_why, "an IPv4 address after 'tcp4' and 'udp4'", host, n);
	if (family == AF_INET6 && out->family == AF_INET)
		return refuse_text(out_why, "an IPv6 address after 'tcp6' and 'udp6'", host, n);
	return 0;
}

static int parse_inet(struct endpoint_text *out, const char *text, const char **out_why)
{
	const char *bracket = strrchr(text, ']');
	const char *colon = strrchr(text, ':');
	int r;

	if (text[0] == '[' && (!bracket || bracket[1] != ':'))
		return refuse_text(out_why, "'[ADDRESS]:PORT'", text, strlen(text));

	if (colon) {
		r = parse_host(out, text, (size_t)(colon - text), out_why);
		if (r < 0)
			return r;
		text = colon + 1;
	}

	if (!*text)
		return refuse(out_why, "takes a port after the last ':'");
	return parse_ports(out, text, out_why);
}

/* Copies @path and leaves out what does not change its meaning: '//' and '/./'. */
static size_t copy_path(char *out, size_t size, const char *path)
{
	size_t n = 0;

	while (*path) {
		size_t part;

		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (part == 0 || (part == 1 && path[0] == '.' && path[1])) {
			path += part;
			continue;
		}
		if (n + 1 + part < size) {
			out[n] = '/';
			memcpy(out + n + 1, path, part);
			out[n + 1 + part] = '\0';
		}
		n += 1 + part;
		path += part;
	}

	return n;
}

static int parse_unix(struct endpoint_text *out, const char *text, const char **out_why)
{
	struct sockaddr_un *un = &out->path.un;
	size_t n = strlen(text);
	const char *name = strrchr(text, '/');

	un->sun_family = AF_UNIX;
	if (text[0] == '@') {
		if (n == 1)
			return refuse(out_why, "takes a name after '@'");
		if (n > PATH_BYTES_MAX)
			return refuse(out_why, "takes a name of at most %zu bytes, not of %zu",
				      PATH_BYTES_MAX - 1, n - 1);
		memcpy(un->sun_path + 1, text + 1, n - 1);
		out->path.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
		return 0;
	}

	if (text[0] != '/')
		return refuse_text(out_why, "an absolute path or '@NAME'", text, n);
	if (!name[1] || strcmp(name, "/.") == 0 || strcmp(name, "/..") == 0)
		return refuse_text(out_why, "the path of a socket", text, n);

	n = copy_path(un->sun_path, sizeof(un->sun_path), text);
	if (n > PATH_BYTES_MAX)
		return refuse(out_why, "takes a path of at most %zu bytes, not of %zu",
			      PATH_BYTES_MAX, n);
	out->path.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

int endpoint_parse(struct endpoint_text *out, const char *text, const char **out_why)
{
	const char *rest = text + strcspn(text, ":");
	const struct kind *kind;

	memset(out, 0, sizeof(*out));

	/* The short form of "unix:@name". */
	kind = text[0] == '@' ? find_kind("unix", 4) : find_kind(text, (size_t)(rest - text));
	if (!kind || (text[0] != '@' && *rest != ':'))
		return refuse_text(
			out_why,
			"'tcp:PORT', 'tcp:HOST:PORT', 'udp:PORT', 'unix:/PATH' or their like", text,
			strlen(text));
	if (text[0] != '@')
		text = rest + 1;

	out->type = kind->type;
	out->family = kind->family;
	return kind->family == AF_UNIX ? parse_unix(out, text, out_why)
				       : parse_inet(out, text, out_why);
}
