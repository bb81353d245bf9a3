#pragma once

/*
 * A socket address of the families that superd serves, and its text.
 *
 * The text is always numeric. An IPv4-mapped IPv6 address reads as the IPv4 address.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Room for any text below, with its terminator. A path is escaped, and cut if it is too long. */
#define ADDRESS_TEXT_MAX 160

struct address {
	socklen_t length;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/*
 * For a process that may not open sockets later: @fd, any socket, is used to ask for the names of
 * interfaces. The caller keeps it.
 */
void address_ask_names_by(int fd);

/* Turns ::ffff:a.b.c.d into a.b.c.d, and leaves other addresses. */
void address_unmap(struct address *address);

/*
 * "192.0.2.1:80", "[2001:db8::1]:80", a path, "@name", or "unix" for an unnamed peer. A relative
 * path begins with "./".
 */
char *address_text(const struct address *address, char out[static ADDRESS_TEXT_MAX]);

/* The parts: the host without brackets, or the path ("" if unnamed); the port, 0 for Unix. */
char *address_host(const struct address *address, char out[static ADDRESS_TEXT_MAX]);
unsigned address_port(const struct address *address);
void address_set_port(struct address *address, unsigned port);

bool address_is_unix(const struct address *address);

/* Whether a socket bound to the address is reached under all addresses of the machine. */
bool address_is_wildcard(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);
