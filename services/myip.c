/*
 * Shows dispatch = pass in C. This web server tells each client its own address, which a client
 * behind a router may not know. A process serves one client after the other. superd decides how
 * many processes run, and which clients they get.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <superd-pass.h>
#include <sys/socket.h>

#include "client.h"

enum {
	PATIENCE_SECONDS = 2, /* the next client must not wait long for a slow one */
	DRAIN_MS = 100,
};

/* Reads to the empty line that ends the request. Returns false if that never comes. */
static bool read_request(int fd)
{
	char request[4096];
	size_t length = 0;

	if (client_set_patience(fd, PATIENCE_SECONDS) < 0)
		return false;

	while (length < sizeof(request) - 1) {
		ssize_t n = recv(fd, request + length, sizeof(request) - 1 - length, 0);

		if (n <= 0)
			return false;
		length += (size_t)n;
		request[length] = '\0';
		if (strstr(request, "\r\n\r\n") || strstr(request, "\n\n"))
			return true;
	}
	return true;
}

static void answer(int fd, const char *address)
{
	char text[512];
	int length;

	length = snprintf(text, sizeof(text),
			  "HTTP/1.0 200 OK\r\n"
			  "Content-Type: text/plain\r\n"
			  "Content-Length: %zu\r\n"
			  "Cache-Control: no-store\r\n"
			  "\r\n"
			  "%s\n",
			  strlen(address) + 1, address);
	if (client_write(fd, text, (size_t)length) == 0)
		client_finish(fd, DRAIN_MS);
}

static void serve(struct superd_client *client)
{
	const char *address = superd_pass_variable(client, "REMOTE_ADDR");

	if (read_request(client->fd))
		answer(client->fd, address && address[0] ? address : "unknown");
}

int main(void)
{
	struct superd_client client;
	int r;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return EXIT_FAILURE;

	while ((r = superd_pass_receive(&client, 0)) == 1) {
		serve(&client);
		if (superd_pass_done(&client) < 0)
			return EXIT_FAILURE;
	}
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
