/*
 * hello.c as a loop: the same answer to every client, from a process that stays.
 *
 * On descriptor 0 it finds a listener, or, when LISTEN_FDNAMES says so, the socket over which
 * dispatch `pass` hands it connections.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "superd-pass.h"

static const char line[] = "hello\n";

/* Returns when the listener has gone. */
static void accept_loop(void)
{
	for (;;) {
		int client = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0) {
			(void)send(client, line, sizeof(line) - 1, MSG_NOSIGNAL);
			close(client);
		} else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN) {
			return;
		}
	}
}

static void receive_loop(void)
{
	struct superd_client client;

	for (;;) {
		int r = superd_pass_receive(&client, 0);

		if (r == -EMFILE || r == -ENFILE || r == -EBADMSG)
			continue;
		if (r <= 0)
			return;
		(void)send(client.fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
		if (superd_pass_done(&client) < 0)
			return;
	}
}

int main(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	bool passed = names && strcmp(names, "superd-pass") == 0;

	if (passed)
		receive_loop();
	else
		accept_loop();
	return 0;
}
