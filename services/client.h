#pragma once

/*
 * What the small services share: sending an answer that arrives whole, and not answering where that
 * would do harm. Descriptors are in blocking mode, as superd passes them to a program.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * Returns false for a port below 1024. Another service may have that port, and two services that
 * answer each other's datagrams never stop.
 */
bool client_port_is_safe(const struct sockaddr *client);

/* Returns false when the client of @fd sent a datagram from a port that is not safe. */
bool client_may_be_answered(int fd);

/* Reading and writing then fail after @seconds without progress. Returns 0 or a negative errno. */
int client_set_patience(int fd, int seconds);

/* Writes all of @text to a socket, terminal or pipe. Returns 0 or a negative errno. */
int client_write(int fd, const char *text, size_t length);

/*
 * Closes the sending side of a stream, then waits up to @patience_ms for the client to close its
 * side. To close with unread input would reset the connection and might destroy the answer.
 */
void client_finish(int fd, int patience_ms);
