#pragma once

/*
 * Checks what a process has left of a listening socket, and opens it anew if it is ruined.
 *
 * Whoever has the socket open can shut it down, connect it, or put a filter on it, and this
 * outlives the process. The socket is checked when a program of dispatch `wait` has released it,
 * and when a front was killed or has ended by itself.
 */

#include "net/listener.h"

struct socket_record;

/*
 * Undoes what can be undone to @fd, a socket of @listener. Returns NULL if it serves clients as it
 * should, or what is wrong with it, as the end of a sentence. Then it must be opened anew. @before
 * is what its options were, or NULL: then they are not looked at.
 */
const char *listener_check(const struct listener *listener, int fd, int backlog,
			   const struct socket_record *before);

/*
 * Applies the options that can change on a bound socket. Where a program has the socket, what it
 * has @lent changes alike, as this is not the program's doing. Returns 0 or a negative errno.
 */
int listener_apply_lent(struct listener *listener, const struct listener_options *options,
			struct socket_record *lent);

/*
 * Opens socket @i anew at its address, and closes the old one, which other processes may still have
 * open. Clients that wait in it are lost. Returns 0 or a negative errno. After a failure the
 * listener has no socket.
 */
int listener_reopen(struct listener *listener, size_t i, const struct listener_options *options);
