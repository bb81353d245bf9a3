#pragma once

/*
 * An endpoint says where to listen. endpoint_lookup() finds the addresses of a host name. It may
 * block, so it is called while a configuration is loaded, and never later. The canonical text
 * identifies an endpoint over reloads: two endpoints with the same text are the same socket.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"
#include "net/endpoint-parse.h"

struct endpoint {
	int type;
	struct address address;
	bool v6only;
	bool freebind;
	bool paired; /* one of two, for IPv6 and IPv4, that were written as one, such as tcp:80 */
	char interface[IFNAMSIZ]; /* "" for all */
	char scope[IFNAMSIZ];     /* the interface of a link-local address, as written; or "" */
	char *text;               /* canonical; owned */
};

static inline bool endpoint_is_udp(const struct endpoint *endpoint)
{
	return endpoint->type == SOCK_DGRAM && !address_is_unix(&endpoint->address);
}

/*
 * Finds the addresses of the host of @text: a numeric one, the wildcard (of IPv6 if the system has
 * it, otherwise of IPv4), or those that getaddrinfo() finds, which may block for long. Writes at
 * most @max (at least 1) and returns how many, or a negative errno (-ENOENT: no such host; -E2BIG:
 * it has more addresses). Their ports are 0.
 */
int endpoint_lookup(const struct endpoint_text *text, struct address *out, size_t max);

/* Whether the host of @text is a name that must be looked up. */
bool endpoint_needs_lookup(const struct endpoint_text *text);

/* @interface is a name or a number. The interface need not exist yet. */
void endpoint_set_scope(struct endpoint *endpoint, const char *interface);

/* Writes the interface's number to the address. Returns 0, or -ENODEV if it does not exist. */
int endpoint_find_scope(struct endpoint *endpoint);

/*
 * Makes @endpoint->text from the other fields. Resolves symbolic links in the directory of a Unix
 * socket, if it exists, so that two paths to one file are one endpoint. Returns 0 or -ENOMEM.
 */
int endpoint_set_text(struct endpoint *endpoint);

/* Writes the same text to a buffer, cut if it is too long, without resolving symbolic links. */
void endpoint_write_text(const struct endpoint *endpoint, char *out, size_t size);

int endpoint_copy(struct endpoint *out, const struct endpoint *endpoint);
void endpoint_fini(struct endpoint *endpoint);

/* Whether @a and @b are the two of a pair. With port 0 each service has its own pair. */
bool endpoint_are_pair(const struct endpoint *a, const struct endpoint *b);

/* Whether only one of them can be bound: the same address, a wildcard of it, or the same path. */
bool endpoint_collides(const struct endpoint *a, const struct endpoint *b);

/*
 * Whether the system has IPv6. A socket for both families then serves IPv4 at once, and IPv6 as
 * soon as an interface has an address. The answer never changes.
 */
bool endpoint_system_has_ipv6(void);
