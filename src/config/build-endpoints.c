#include "config/build-endpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config/build-context.h"
#include "config/dispatch.h"
#include "config/endpoint-conflicts.h"
#include "config/resolved-hosts.h"
#include "config/schema.h"

/* For one service: every port in both families. More must be an error in a range. */
#define ENDPOINTS_MAX (2 * 65536)

/* One value of `listen`. */
struct word {
	struct endpoint_text text;
	bool only_ipv6;
	bool paired; /* a socket for each family instead of one for both */
};

/* What an option needs, for messages; in the order of the bits. */
static const char *const trait_names[] = {
	"a TCP endpoint",
	"a UDP endpoint",
	"a TCP or UDP endpoint",
	"an endpoint with connections",
	"a Unix endpoint with a path",
	"an IPv6 endpoint",
};

/* Without IPv6 in the system "tcp:80" is an endpoint of IPv4. The file is right all the same. */
static bool may_be_ipv6(const struct address *address)
{
	return address->any.sa_family == AF_INET6 ||
	       (address_is_wildcard(address) && !endpoint_system_has_ipv6());
}

static unsigned traits_of(const struct endpoint *endpoint)
{
	unsigned ip = ENDPOINT_IP | (may_be_ipv6(&endpoint->address) ? ENDPOINT_IPV6 : 0);

	if (endpoint->address.any.sa_family == AF_UNIX)
		return (endpoint->type == SOCK_DGRAM ? 0 : ENDPOINT_CONNECTIONS) |
		       (endpoint->address.un.sun_path[0] ? ENDPOINT_SOCKET_FILE : 0);
	if (endpoint->type == SOCK_STREAM)
		return ip | ENDPOINT_TCP | ENDPOINT_CONNECTIONS;
	return ip | ENDPOINT_UDP;
}

static int lookup(struct build *build, const struct endpoint_text *text, struct address *out)
{
	struct resolved_hosts *hosts = build->context->hosts;

	if (!hosts || !endpoint_needs_lookup(text))
		return endpoint_lookup(text, out, RESOLVED_ADDRESSES_MAX);
	return build->context->rehearsal ? resolved_hosts_add(hosts, text, out)
					 : resolved_hosts_find(hosts, text, out);
}

static struct endpoint *add_endpoint(struct service *service)
{
	struct endpoint *list = service->endpoints;
	size_t n = service->n_endpoints;

	/* The array grows when the number is a power of two. */
	if ((n & (n - 1)) == 0) {
		list = reallocarray(list, n ? 2 * n : 1, sizeof(*list));
		if (!list)
			return NULL;
		service->endpoints = list;
	}

	list[n] = (struct endpoint){ 0 };
	service->n_endpoints++;
	return &list[n];
}

static int add(struct build *build, const struct word *word, const struct address *address,
	       unsigned port)
{
	const struct draft *draft = build->draft;
	struct endpoint *endpoint;

	if (build->service->n_endpoints == ENDPOINTS_MAX)
		return -E2BIG;
	endpoint = add_endpoint(build->service);
	if (!endpoint)
		return -ENOMEM;

	endpoint->type = word->text.type;
	endpoint->address = *address;
	if (word->text.family == AF_UNIX)
		return endpoint_set_text(endpoint);

	address_set_port(&endpoint->address, port);
	if (strchr(word->text.host, '%'))
		endpoint_set_scope(endpoint, strchr(word->text.host, '%') + 1);
	endpoint->v6only = address->any.sa_family == AF_INET6 && address_is_wildcard(address) &&
			   (draft->v6only || word->only_ipv6 || word->paired);
	endpoint->paired = word->paired;
	endpoint->freebind = draft->freebind;
	if (draft->interface)
		snprintf(endpoint->interface, sizeof(endpoint->interface), "%s", draft->interface);
	return endpoint_set_text(endpoint);
}

static int add_port(struct build *build, const struct word *word, const struct address *address,
		    unsigned port)
{
	const struct endpoint_text ipv4 = { .family = AF_INET };
	struct address any;
	int r = add(build, word, address, port);

	if (r < 0 || !word->paired)
		return r;
	r = endpoint_lookup(&ipv4, &any, 1);
	return r < 0 ? r : add(build, word, &any, port);
}

static int add_ports(struct build *build, const struct word *word, const struct address *address)
{
	unsigned base = build->context->root->port_base;

	if (word->text.family == AF_UNIX)
		return add(build, word, address, 0);
	for (unsigned port = word->text.port_first; port <= word->text.port_last; port++) {
		int r = add_port(build, word, address, port ? port + base : 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Programs for inetd expect an IPv4 client to have an IPv4 address, which it has only on a socket
 * for IPv4. A program that shares the listeners gets one socket, as from systemd: it may know of
 * one only, and would leave the clients of the other in the queue.
 */
static bool wants_pair(const struct build *build, const struct endpoint_text *text)
{
	return text->family == AF_UNSPEC && !text->host[0] && endpoint_system_has_ipv6() &&
	       build->draft->own[OPTION_EXEC] &&
	       !dispatch_has(build->service->dispatch, DISPATCH_SHARES_LISTENER) &&
	       !draft_sets(build->draft, OPTION_V6ONLY);
}

/* What is meant, probably, by an address or path without a scheme or with one of a URL, or "". */
static void guess_endpoint(const char *text, char *out, size_t size)
{
	const char *slashes = strstr(text, "://");
	size_t host = strcspn(text, ":");

	out[0] = '\0';
	if (slashes)
		snprintf(out, size, "%.*s:%s", (int)(slashes - text), text, slashes + 3);
	else if (text[0] == '/')
		snprintf(out, size, "unix:%s", text);
	else if (strncmp(text, "*:", 2) == 0)
		snprintf(out, size, "tcp:%s", text + 2);
	else if (text[0] == '[' || strspn(text, "0123456789") == strlen(text) ||
		 memchr(text, '.', host) || strncmp(text, "localhost:", 10) == 0)
		snprintf(out, size, "tcp:%s", text);
}

static int bad_endpoint(struct build *build, const struct value *value, const char *why)
{
	struct endpoint_text ignored;
	char said[256], guess[200];

	/* To try the guess replaces what was said. */
	snprintf(said, sizeof(said), "%s", why);
	guess_endpoint(value->text, guess, sizeof(guess));
	if (guess[0] && endpoint_parse(&ignored, guess, &why) == 0)
		build_error(build, OPTION_LISTEN, value->line, "'listen' %s; write '%s'", said,
			    errors_quote(guess));
	else
		build_error(build, OPTION_LISTEN, value->line, "'listen' %s", said);
	return -EINVAL;
}

static int parse_word(struct build *build, const struct value *value, struct word *out)
{
	const char *why;

	if (endpoint_parse(&out->text, value->text, &why) < 0)
		return bad_endpoint(build, value, why);

	/* An address shows its family. Only the scheme says that IPv4 clients are not wanted. */
	out->only_ipv6 = strncmp(value->text, "tcp6:", 5) == 0 ||
			 strncmp(value->text, "udp6:", 5) == 0;
	out->paired = wants_pair(build, &out->text);
	if (out->text.family != AF_UNIX &&
	    out->text.port_last + build->context->root->port_base > 65535) {
		build_error(build, OPTION_LISTEN, value->line,
			    "'%s' and a 'port_base' of %d make a port above 65535",
			    errors_quote(value->text), build->context->root->port_base);
		return -EINVAL;
	}
	return 0;
}

static const char *lookup_error(int error)
{
	switch (error) {
	case -ENOENT:
		return "no such host";
	case -EAGAIN:
		return "no name server gives an answer";
	case -E2BIG:
		return "it has too many addresses";
	case -ENOSPC:
		return "too many hosts";
	default:
		return strerror(-error);
	}
}

/* A link-local address without an interface belongs to none of the networks. */
static bool lacks_interface(const struct build *build, const struct word *word,
			    const struct address *address)
{
	return address->any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr) && !address->in6.sin6_scope_id &&
	       !strchr(word->text.host, '%') && !build->draft->interface &&
	       !build->draft->bad[OPTION_INTERFACE];
}

static bool is_multicast(const struct address *address)
{
	if (address->any.sa_family == AF_INET)
		return IN_MULTICAST(ntohl(address->in.sin_addr.s_addr));
	return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&address->in6.sin6_addr);
}

/* Adds the endpoints of one address. -EADDRNOTAVAIL: it is one of a group; -ENODEV: see above. */
static int listen_on_address(struct build *build, const struct word *word,
			     const struct address *address)
{
	/* Nothing would arrive before the socket has joined the group. */
	if (is_multicast(address))
		return -EADDRNOTAVAIL;
	return lacks_interface(build, word, address) ? -ENODEV : add_ports(build, word, address);
}

static void listening_error(struct build *build, const struct value *value, int error)
{
	const char *quoted = errors_quote(value->text);

	if (error == -ENODEV)
		build_error(build, OPTION_LISTEN, value->line,
			    "'%s' needs its interface, as in 'tcp:[fe80::1%%eth0]:80'", quoted);
	else if (error == -EADDRNOTAVAIL)
		build_error(build, OPTION_LISTEN, value->line,
			    "'%s' is a multicast address, and superd cannot join its group yet; "
			    "write an address of this machine",
			    quoted);
	else
		build_error(build, OPTION_LISTEN, value->line, "'%s': %s", quoted,
			    error == -E2BIG ? "too many endpoints" : strerror(-error));
}

/* Adds every endpoint of one value of `listen`. Returns a negative errno after adding an error. */
static int listen_on(struct build *build, const struct value *value)
{
	struct address addresses[RESOLVED_ADDRESSES_MAX];
	struct word word;
	int n, r;

	r = parse_word(build, value, &word);
	if (r < 0)
		return r;

	n = lookup(build, &word.text, addresses);
	if (n < 0)
		build_error(build, OPTION_LISTEN, value->line, "'%s': cannot use the host: %s",
			    errors_quote(value->text), lookup_error(n));

	for (int i = 0; i < n && r == 0; i++)
		r = listen_on_address(build, &word, &addresses[i]);
	if (r < 0)
		listening_error(build, value, r);
	return n < 0 ? n : r;
}

/* Looks for conflicts of the endpoints that @value has made, and adds one error at most. */
static void add_uses(struct build *build, size_t first, size_t end, const struct value *value)
{
	struct service *service = build->service;

	for (size_t i = first; i < end; i++) {
		struct endpoint_use wanted = {
			.endpoint = &service->endpoints[i],
			.text = value->text,
			.service = service->name,
			.at = build_location(build, OPTION_LISTEN, value->line),
		};
		struct endpoint_use owner;
		int r = endpoint_conflicts_add(&build->context->conflicts, &wanted, &owner);

		if (r == 0)
			continue;
		if (r == -EADDRINUSE)
			build_error(build, OPTION_LISTEN, value->line,
				    "'%s' is already taken by '%s' of service '%s' (%s:%d)",
				    errors_quote(value->text), errors_quote(owner.text),
				    owner.service, owner.at.file, owner.at.line);
		else
			build_error(build, OPTION_LISTEN, value->line, "out of memory");
		return;
	}
}

static void check_options(struct build *build)
{
	unsigned traits = 0;

	for (size_t i = 0; i < build->service->n_endpoints; i++)
		traits |= traits_of(&build->service->endpoints[i]);
	for (int i = 0; build->service->n_endpoints > 0 && i < OPTION_COUNT; i++) {
		unsigned needed = schema_options[i].endpoints;

		if (build_has(build, i) && needed && !(traits & needed))
			build_error(build, i, 0, "'%s' needs %s", schema_options[i].name,
				    trait_names[ffs((int)needed) - 1]);
	}
}

/* Whether it is known which endpoints would conflict with these. */
static bool is_bound_as_written(const struct build *build)
{
	return !build->draft->bad[OPTION_INTERFACE] && !build->draft->bad[OPTION_V6ONLY];
}

void build_endpoints(struct build *build)
{
	const struct values *words = &build->draft->listen;
	AUTO(auto_free) size_t *ends = calloc(words->n + 1, sizeof(*ends));
	bool good = true;

	if (!ends) {
		build_error(build, OPTION_LISTEN, 0, "out of memory");
		return;
	}
	if (build->draft->own[OPTION_LISTEN] && words->n == 0)
		build_error(build, OPTION_LISTEN, 0, "'listen' names no endpoint");

	for (size_t i = 0; i < words->n; i++) {
		good &= listen_on(build, &words->list[i]) == 0;
		ends[i + 1] = build->service->n_endpoints;
	}
	/* Not before all endpoints exist, because the conflicts point to them. */
	for (size_t i = 0; i < words->n && is_bound_as_written(build); i++)
		add_uses(build, ends[i], ends[i + 1], &words->list[i]);

	if (good)
		check_options(build);
}
