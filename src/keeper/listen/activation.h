#pragma once

/*
 * The sockets that the service manager has bound and passed at the start.
 *
 * They stay here for good, and a listener gets a duplicate: what one configuration does not use,
 * or uses no more, another may, and nobody else could bind the address meanwhile. Where @activation
 * is NULL there are none.
 */

#include <stdbool.h>
#include <stddef.h>

struct bound_listener;

struct passed_socket {
	int fd;
	char *name;
	const struct bound_listener *user; /* or NULL */
	bool known_unused;                 /* the log has said so */
};

struct activation {
	struct passed_socket *sockets;
	size_t n;
};

/*
 * Returns a socket that nobody uses and that @bound may: one with its address, else one of its
 * kind that is named after its service. NULL: there is none.
 */
struct passed_socket *activation_find(struct activation *activation,
				      const struct bound_listener *bound);

/* @bound listens no more. */
void activation_release(struct activation *activation, const struct bound_listener *bound);

/* Says once of each socket that nobody uses it. */
void activation_warn(struct activation *activation);

void activation_close(struct activation *activation);
