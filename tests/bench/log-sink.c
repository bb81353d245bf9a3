/*
 * Stands in for syslogd: log-sink SOCKET FILE. It writes each message that comes over the socket to
 * the file, as a line, until SIGTERM.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tool.h"

enum { MESSAGE_MAX = 65536 };

static int bind_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* Whoever logs may be any user. */
	(void)umask(0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	static char message[MESSAGE_MAX + 1];
	FILE *file;
	int fd;

	if (argc != 3) {
		(void)fputs("usage: log-sink SOCKET FILE\n", stderr);
		return 64;
	}
	file = fopen(argv[2], "we");
	if (!file)
		die(argv[2]);
	/* A line is there once it has come, as of most syslog daemons. */
	(void)setvbuf(file, NULL, _IOLBF, 0);
	fd = bind_to(argv[1]);
	for (;;) {
		ssize_t n = recv(fd, message, MESSAGE_MAX, 0);

		if (n < 0)
			die("recv");
		if (n > 0 && message[n - 1] == '\n')
			n--;
		message[n] = '\n';
		(void)fwrite(message, 1, (size_t)n + 1, file);
	}
}
