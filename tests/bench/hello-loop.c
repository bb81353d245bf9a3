/*
 * hello.c as a loop: the same answer to every client, from a process that stays.
 *
 * On descriptor 0 it finds a listener, or, when LISTEN_FDNAMES says so, the socket over which
 * dispatch `pass` hands it connections.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 4096,
	DONE_MAX = 32,
};

static void answer(int client)
{
	static const char line[] = "hello\n";

	(void)send(client, line, sizeof(line) - 1, MSG_NOSIGNAL);
	close(client);
}

/* Returns when the listener has gone. */
static void accept_loop(void)
{
	for (;;) {
		int client = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0)
			answer(client);
		else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
			return;
	}
}

/* Returns the connection, or -1 at the end of file; @text gets the client's variables. */
static int receive(char *text, size_t size)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { text, size - 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header;
	int client;

	if (n <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;

	text[n] = '\0';
	memcpy(&client, CMSG_DATA(header), sizeof(client));
	return client;
}

static void pass_loop(void)
{
	static const char seat[] = "SUPERD_CLIENT=";
	char text[MESSAGE_MAX];
	char done[DONE_MAX];
	int client;

	while ((client = receive(text, sizeof(text))) >= 0) {
		int n;

		if (strncmp(text, seat, sizeof(seat) - 1) != 0)
			return;
		answer(client);
		n = snprintf(done, sizeof(done), "DONE=%.10s", text + sizeof(seat) - 1);
		if (send(STDIN_FILENO, done, (size_t)n, MSG_NOSIGNAL) < 0)
			return;
	}
}

int main(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	bool passed = names && strcmp(names, "superd-pass") == 0;

	if (passed)
		pass_loop();
	else
		accept_loop();
	return 0;
}
