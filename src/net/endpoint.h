#pragma once

/*
 * An endpoint says where to listen. Its text ("tcp:127.0.0.1:80") is taken apart
 * by endpoint_parse(), which asks nobody but the services database; an address for
 * a host name is found by endpoint_lookup(), which may block, and so belongs to
 * loading. The canonical text identifies an endpoint over reloads: two endpoints
 * with the same text are the same socket.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

/* What the text said, before names of hosts are looked up. */
struct endpoint_text {
	int type;       /* SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET */
	int family;     /* AF_UNSPEC, AF_INET, AF_INET6 or AF_UNIX */
	char host[256]; /* "" for any */
	unsigned port_first;
	unsigned port_last;
	struct address path; /* for AF_UNIX */
};

struct endpoint {
	int type;
	struct address address;
	bool v6only;
	bool freebind;
	char interface[IFNAMSIZ]; /* "" for all */
	char scope[IFNAMSIZ];     /* where a link-local address is, as its text said; or "" */
	char *text;               /* canonical; owned */
};

/*
 * Returns 0, or -EINVAL and in @out_why a sentence such as "takes a port from 0 to
 * 65535, not '70000'" (static or in a buffer that the next call overwrites).
 */
int endpoint_parse(struct endpoint_text *out, const char *text, const char **out_why);

/*
 * Finds the addresses for @text's host: numeric ones, the wildcard of both families
 * (the IPv6 one where the system has IPv6, else IPv4's), or by getaddrinfo(), which
 * may block for long. Writes at most @max and returns how many, or a negative errno
 * (-ENOENT: no such host; -E2BIG: it has more addresses). Ports are left 0.
 */
int endpoint_lookup(const struct endpoint_text *text, struct address *out, size_t max);

/* Whether the host of @text is a name that must be looked up. */
bool endpoint_needs_lookup(const struct endpoint_text *text);

/* Takes the name or the number of the interface, which may not be there yet. */
void endpoint_set_scope(struct endpoint *endpoint, const char *interface);

/* Brings the address up to date with the interface. Returns 0, or -ENODEV if it is missing. */
int endpoint_find_scope(struct endpoint *endpoint);

/*
 * Fills in @endpoint->text from the rest. The directory of a socket's path becomes the real
 * one, if it exists, so that two ways to one place are one endpoint. Returns 0 or -ENOMEM.
 */
int endpoint_set_text(struct endpoint *endpoint);

/* The same text into a buffer, cut if need be, and without resolving a path's directory. */
void endpoint_write_text(const struct endpoint *endpoint, char *out, size_t size);

int endpoint_copy(struct endpoint *out, const struct endpoint *endpoint);
void endpoint_fini(struct endpoint *endpoint);

/* Whether both cannot be bound at once: the same address, a wildcard against it, one path. */
bool endpoint_collides(const struct endpoint *a, const struct endpoint *b);

/*
 * Whether the system has IPv6: then a socket for both families serves IPv4 at once, and IPv6
 * as soon as an interface has an address. Asked once.
 */
bool endpoint_system_has_ipv6(void);
