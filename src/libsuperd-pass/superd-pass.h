#pragma once

/*
 * For programs that superd runs with `dispatch = pass`: superd accepts the clients, and the
 * program, which goes on running, receives their connections. See superd_pass(3).
 *
 * The functions keep no state of their own and may be called from several threads at once.
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
	unsigned number; /* by which superd knows the client */
	size_t length;
	char text[SUPERD_CLIENT_TEXT_MAX]; /* NAME=VALUE strings, each with its terminator */
};

/*
 * Takes the next client. Returns 1 with a client in @out; 0 when superd sends no more, and the
 * program should finish and exit; or a negative errno: -EMFILE when a client was lost because there
 * was no descriptor left for it, -EBADMSG when what came is no client. After those two there may be
 * more clients.
 */
int superd_pass_receive(struct superd_client *out, int flags);

/*
 * Closes the connection, unless its descriptor has been set to -1, and tells superd that the
 * client is over, which may then send another. Returns 0 or a negative errno.
 */
int superd_pass_done(struct superd_client *client);

/* What superd says of the client by that name, such as "REMOTE_ADDR", or NULL. */
const char *superd_pass_variable(const struct superd_client *client, const char *name);

/* The socket on which clients come, for poll(2), or a negative errno. Stays the library's. */
int superd_pass_fd(void);

#ifdef __cplusplus
}
#endif
