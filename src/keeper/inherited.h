#pragma once

/*
 * The sockets that the service manager has bound and passed at the start.
 *
 * They stay here for good, and a listener gets a duplicate: what one configuration does not use,
 * or uses no more, another may, and nobody else could bind the address meanwhile. Where @inherited
 * is NULL there are none.
 */

#include <stdbool.h>
#include <stddef.h>

struct housed;

struct inherited_socket {
	int fd;
	char *name;
	const struct housed *user; /* or NULL */
	bool known_unused;         /* the log has said so */
};

struct inherited {
	struct inherited_socket *sockets;
	size_t n;
};

/*
 * Returns a socket that nobody uses and that @housed may: one with its address, else one of its
 * kind that is named after its service. NULL: there is none.
 */
struct inherited_socket *inherited_find(struct inherited *inherited, const struct housed *housed);

/* @housed listens no more. */
void inherited_release(struct inherited *inherited, const struct housed *housed);

/* Says once of each socket that nobody uses it. */
void inherited_warn(struct inherited *inherited);

void inherited_close(struct inherited *inherited);
