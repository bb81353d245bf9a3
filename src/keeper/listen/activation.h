#pragma once

/*
 * The sockets that the service manager has bound and passed at the start.
 *
 * They stay open as long as superd runs, and a listener gets a duplicate. A socket that this
 * configuration does not use may be used after a reload, and could not be bound anew. The functions
 * accept NULL for @activation: no sockets were passed.
 */

#include <stdbool.h>
#include <stddef.h>

struct listener;

struct passed_socket {
	int fd;
	char *name;
	const struct listener *user; /* or NULL */
	bool known_unused;           /* that was logged */
};

struct activation {
	struct passed_socket *sockets;
	size_t n;
};

/*
 * Returns an unused socket for @listener: one with its address, otherwise one of its type that has
 * the name @service. Returns NULL if there is none.
 */
struct passed_socket *activation_find(struct activation *activation,
				      const struct listener *listener, const char *service);

/*
 * Whether @listener needs no socket, because it is one of a pair, and a passed socket serves the
 * other one, or will: the service manager decides where the service listens, and a socket for both
 * families serves both.
 */
bool activation_covers(const struct activation *activation, const struct listener *listener,
		       const char *service);

/* @listener does not use its socket any more. */
void activation_release(struct activation *activation, const struct listener *listener);

/* Logs each unused socket, once. */
void activation_warn(struct activation *activation);

void activation_close(struct activation *activation);
