#pragma once

/*
 * For programs that superd runs with `dispatch = pass`: superd accepts the clients, and the program
 * receives their connections, one after another. See superd_pass(3).
 *
 * The functions keep no state of their own, and several threads may call them at once.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SUPERD_CLIENT_TEXT_MAX 4096

enum {
	SUPERD_PASS_DONTWAIT = 1 << 0, /* -EAGAIN instead of waiting for a client */
};

struct superd_client {
	int fd; /* the connection, blocking and close-on-exec; superd_pass_done() closes it */
	unsigned number; /* superd knows the client by this number */
	size_t length;
	char text[SUPERD_CLIENT_TEXT_MAX]; /* NAME=VALUE strings, each with its terminator */
};

/*
 * Receives the next client. Returns 1 with a client in @out; 0 when superd sends no more clients,
 * and the program should finish and exit; or a negative errno. -EMFILE: a client was lost because
 * no descriptor was left for it. -EBADMSG: the message is not a client. More clients may come after
 * these two.
 */
int superd_pass_receive(struct superd_client *out, int flags);

/*
 * Closes the connection, unless its descriptor has been set to -1, and tells superd that the client
 * has ended. superd may then send another. Returns 0 or a negative errno.
 */
int superd_pass_done(struct superd_client *client);

/* The value of a variable of the client, such as "REMOTE_ADDR", or NULL. */
const char *superd_pass_variable(const struct superd_client *client, const char *name);

/* The socket on which clients come, for poll(2), or a negative errno. The library owns it. */
int superd_pass_fd(void);

#ifdef __cplusplus
}
#endif
