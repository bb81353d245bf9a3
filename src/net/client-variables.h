#pragma once

/*
 * The variables that describe the client to a program, with the names of tcpserver, systemd and
 * xinetd. They are the same for every way of dispatch.
 */

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

#define CLIENT_VARIABLES_MAX 11

/* "TCPREMOTEPORT=" and the like, with a value and its terminator. */
#define CLIENT_VARIABLE_SIZE (16 + ADDRESS_TEXT_MAX)

/* A client as text. */
struct client_text {
	const char *service;
	const char *protocol;
	bool is_unix;
	char remote_addr[ADDRESS_TEXT_MAX];
	char remote_port[8];
	char local_addr[ADDRESS_TEXT_MAX];
	char local_port[8];
};

/* Points into a struct client_text. */
struct client_variable {
	const char *name;
	const char *value;
};

/* @type is that of the endpoint's socket. @peer is NULL where no client is known. */
void client_text_init(struct client_text *out, const char *service, int type,
		      const struct address *peer, const struct address *local);

/* Write the variables of the service, or of the client, to @out. Return how many. */
size_t client_variables_of_server(const struct client_text *text,
				  struct client_variable out[static CLIENT_VARIABLES_MAX]);
size_t client_variables_of_peer(const struct client_text *text,
				struct client_variable out[static CLIENT_VARIABLES_MAX]);
