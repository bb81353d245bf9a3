#pragma once

/*
 * What the small services share: an answer that arrives whole, and none where it would do harm.
 * Descriptors are blocking, as superd gives them to a program.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * False for a port below 1024: another service lives there, and two that answer each other's
 * datagrams never stop.
 */
bool client_port_is_safe(const struct sockaddr *client);

/* False when @fd leads to a client that sent a datagram from a port that is not safe. */
bool client_may_be_answered(int fd);

/* Reading and writing fails after so long without progress. Returns 0 or a negative errno. */
int client_set_patience(int fd, int seconds);

/* Writes all of @text to a socket, terminal or pipe. Returns 0 or a negative errno. */
int client_write(int fd, const char *text, size_t length);

/*
 * Says on a stream that no more will come, then waits up to @patience_ms for the client's own end.
 * Closing while input is unread would reset the connection and might destroy the answer.
 */
void client_finish(int fd, int patience_ms);
