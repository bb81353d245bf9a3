/* The loops that need no program, and main(). */

#include "bare.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

enum {
	EVENTS_MAX = 256,
	ECHO_BUFFER = 16384,
	BATCH = 64,
	DATAGRAM_MAX = 65536,
	PATTERN_LINE = 74,
	PATTERN_LINES = 95 * 9,
};

struct connection {
	int fd;
	bool waits_to_write;
	size_t length;
	size_t sent;
	char data[ECHO_BUFFER];
};

static int open_socket(int type, const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		die("SO_REUSEADDR");
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		die("bind");
	if ((type & SOCK_STREAM) && listen(fd, TOOL_BACKLOG) < 0)
		die("listen");
	return fd;
}

int accept_client(int listener, int flags)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | flags);

	if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		die("accept4");
	return fd;
}

static void daytime_loop(int listener)
{
	static const char answer[] = "Thu Jan  1 00:00:00 1970\r\n";

	for (;;) {
		int fd = accept_client(listener, 0);

		if (fd < 0)
			continue;
		(void)send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		close(fd);
	}
}

static void echo_accept(int listener, int epoll_fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct connection *connection;
	int fd = accept_client(listener, SOCK_NONBLOCK);

	if (fd < 0)
		return;

	connection = malloc(sizeof(*connection));
	if (!connection)
		die("malloc");
	connection->fd = fd;
	connection->waits_to_write = false;
	connection->length = 0;
	connection->sent = 0;
	event.data.ptr = connection;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static void echo_wait_to_write(struct connection *connection, int epoll_fd, bool waits)
{
	struct epoll_event event = { .data.ptr = connection };

	if (connection->waits_to_write == waits)
		return;

	connection->waits_to_write = waits;
	event.events = waits ? EPOLLOUT : EPOLLIN;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) < 0)
		die("epoll_ctl");
}

/* Returns false when the connection is over. */
static bool echo_write(struct connection *connection, int epoll_fd)
{
	size_t left = connection->length - connection->sent;
	ssize_t n = send(connection->fd, connection->data + connection->sent, left, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return false;

	connection->sent += n > 0 ? (size_t)n : 0;
	echo_wait_to_write(connection, epoll_fd, connection->sent < connection->length);
	if (connection->sent == connection->length) {
		connection->length = 0;
		connection->sent = 0;
	}
	return true;
}

static bool echo_read(struct connection *connection, int epoll_fd)
{
	ssize_t n = read(connection->fd, connection->data, sizeof(connection->data));

	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;

	connection->length = (size_t)n;
	return echo_write(connection, epoll_fd);
}

static void echo_ready(struct connection *connection, int epoll_fd)
{
	bool alive = connection->length > 0 ? echo_write(connection, epoll_fd)
					    : echo_read(connection, epoll_fd);

	if (alive)
		return;
	close(connection->fd);
	free(connection);
}

static void echo_loop(int listener)
{
	struct epoll_event events[EVENTS_MAX];
	struct epoll_event event = { .events = EPOLLIN };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");

	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				echo_ready(events[i].data.ptr, epoll_fd);
			else
				echo_accept(listener, epoll_fd);
		}
	}
}

static size_t make_pattern(char *out)
{
	size_t n = 0;

	for (int line = 0; line < PATTERN_LINES; line++) {
		for (int column = 0; column < PATTERN_LINE - 2; column++)
			out[n++] = (char)(' ' + (line + column) % 95);
		out[n++] = '\r';
		out[n++] = '\n';
	}

	return n;
}

/* One client at a time, so the sends may block. */
static void chargen_loop(int listener)
{
	static char pattern[PATTERN_LINES * PATTERN_LINE];
	size_t length = make_pattern(pattern);

	for (;;) {
		int fd = accept_client(listener, 0);

		if (fd < 0)
			continue;
		while (send(fd, pattern, length, MSG_NOSIGNAL) == (ssize_t)length)
			continue;
		close(fd);
	}
}

static void datagram_loop(int fd)
{
	static char buffers[BATCH][DATAGRAM_MAX];
	static struct sockaddr_in peers[BATCH];
	static struct iovec parts[BATCH];
	static struct mmsghdr messages[BATCH];

	for (;;) {
		int n;

		for (size_t i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ buffers[i], DATAGRAM_MAX };
			messages[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i],
							       .msg_namelen = sizeof(peers[i]),
							       .msg_iov = &parts[i],
							       .msg_iovlen = 1 };
		}

		n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			parts[i].iov_len = messages[i].msg_len;
		if (n > 0)
			(void)sendmmsg(fd, messages, (unsigned)n, 0);
	}
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: bare daytime|echo|chargen|datagram PORT\n"
			"       bare spawn|fork PORT PROGRAM\n"
			"       bare alone PORT PROGRAM PROCESSES\n");
	exit(TOOL_USAGE);
}

static void run_builtin(const char *mode, const struct sockaddr_in *address)
{
	if (strcmp(mode, "daytime") == 0)
		daytime_loop(open_socket(SOCK_STREAM, address));
	else if (strcmp(mode, "echo") == 0)
		echo_loop(open_socket(SOCK_STREAM | SOCK_NONBLOCK, address));
	else if (strcmp(mode, "chargen") == 0)
		chargen_loop(open_socket(SOCK_STREAM, address));
	else if (strcmp(mode, "datagram") == 0)
		datagram_loop(open_socket(SOCK_DGRAM, address));
}

static void run_program(const char *mode, const struct sockaddr_in *address, char **arguments)
{
	if (strcmp(mode, "alone") == 0 && arguments[1])
		run_alone(open_socket(SOCK_STREAM, address), arguments[0],
			  (unsigned)number_parse("PROCESSES", arguments[1], 1, 1000));
	else if (strcmp(mode, "spawn") == 0)
		spawn_loop(open_socket(SOCK_STREAM, address), arguments[0], false);
	else if (strcmp(mode, "fork") == 0)
		spawn_loop(open_socket(SOCK_STREAM, address), arguments[0], true);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;

	if (argc < 3)
		usage();

	address = address_parse("127.0.0.1", (unsigned)number_parse("PORT", argv[2], 1, 65535));
	descriptors_raise();
	if (argc == 3)
		run_builtin(argv[1], &address);
	else
		run_program(argv[1], &address, argv + 3);
	usage();
}
