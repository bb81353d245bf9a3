/*
 * Shows dispatch = pool in C. This web server redirects every client to the same page over HTTPS.
 * The processes of the pool share the listeners, and each accepts one client after the other.
 * SIGTERM ends a process when it has no client.
 *
 * A process waits in epoll_wait() only, for its listeners and for the signal. To wait in accept()
 * would be wrong: another process may take the client first, and a signal that came just before
 * accept() would not be noticed.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum {
	FIRST_LISTENER = 3, /* SD_LISTEN_FDS_START */
	PATIENCE_SECONDS = 2,
	DRAIN_MS = 100,
	REQUEST_MAX = 8192,
	HOST_MAX = 255,
};

/* Reads to the empty line that ends the request. Returns false if that never comes. */
static bool read_request(int fd, char out[static REQUEST_MAX])
{
	size_t length = 0;

	while (length < REQUEST_MAX - 1) {
		ssize_t n = recv(fd, out + length, REQUEST_MAX - 1 - length, 0);

		if (n <= 0)
			return false;
		length += (size_t)n;
		out[length] = '\0';
		if (strstr(out, "\r\n\r\n") || strstr(out, "\n\n"))
			return true;
	}
	return false;
}

/* "GET /a?b HTTP/1.1": the middle, if it is a path of visible characters. */
static bool find_path(const char *request, const char **out, int *out_length)
{
	const char *path = strchr(request, ' ');
	size_t length;

	if (!path || path[1] != '/')
		return false;
	path++;
	for (length = 0; path[length] > ' ' && path[length] < 0x7f; length++)
		;
	*out = path;
	*out_length = (int)length;
	return path[length] == ' ' || path[length] == '\r' || path[length] == '\n';
}

static const char host_characters[] =
	"-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* The length of a literal such as "[::1]", or 0. */
static size_t literal_length(const char *text)
{
	size_t n = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");

	return text[n] == ']' ? n + 1 : 0;
}

/* The host by which the client knows this server, without a port. */
static bool find_host(const char *request, const char **out, int *out_length)
{
	const char *line = strcasestr(request, "\nHost:");
	size_t length;

	if (!line)
		return false;
	line += strlen("\nHost:");
	line += strspn(line, " \t");
	length = *line == '[' ? literal_length(line) : strspn(line, host_characters);
	*out = line;
	*out_length = (int)length;
	return length > 0 && length <= HOST_MAX && strchr(":\r\n \t", line[length]);
}

static void answer(int fd, const char *request, const char *port)
{
	const char *status = "301 Moved Permanently", *path = "", *host = "";
	char text[REQUEST_MAX + 1024], location[REQUEST_MAX + 512] = "";
	int path_length = 0, host_length = 0, length;

	if (find_path(request, &path, &path_length) && find_host(request, &host, &host_length))
		snprintf(location, sizeof(location), "Location: https://%.*s%s%s%.*s\r\n",
			 host_length, host, port ? ":" : "", port ? port : "", path_length, path);
	else
		status = "400 Bad Request";
	length = snprintf(text, sizeof(text),
			  "HTTP/1.0 %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status,
			  location);
	if (client_write(fd, text, (size_t)length) == 0)
		client_finish(fd, DRAIN_MS);
}

static void serve(int fd, const char *port)
{
	char request[REQUEST_MAX];

	if (client_set_patience(fd, PATIENCE_SECONDS) == 0 && read_request(fd, request))
		answer(fd, request, port);
}

static int watch(int poll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

/* EPOLLEXCLUSIVE: a client wakes one of the processes that share a listener, not all. */
static int watch_listeners(int poll)
{
	const char *count = getenv("LISTEN_FDS");
	int n = count ? atoi(count) : 0;

	for (int fd = FIRST_LISTENER; fd < FIRST_LISTENER + n; fd++)
		if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
		    watch(poll, fd, EPOLLIN | EPOLLEXCLUSIVE) < 0)
			return -errno;
	return n;
}

/* Blocks SIGTERM. Returns a descriptor that becomes readable when it comes. */
static int watch_term(int poll)
{
	sigset_t term;
	int fd;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &term, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &term, SFD_CLOEXEC);
	return fd >= 0 && watch(poll, fd, EPOLLIN) < 0 ? -errno : fd;
}

/* Returns 0 after SIGTERM. */
static int serve_next(int poll, int term, const char *port)
{
	struct epoll_event event;
	int fd;

	if (epoll_wait(poll, &event, 1, -1) < 1)
		return errno == EINTR ? 1 : -errno;
	if (event.data.fd == term)
		return 0;
	fd = accept4(event.data.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		serve(fd, port);
		close(fd);
	}
	return 1;
}

int main(int argc, char **argv)
{
	int poll = epoll_create1(EPOLL_CLOEXEC);
	int term = watch_term(poll);
	int r;

	if (poll < 0 || term < 0 || watch_listeners(poll) < 1)
		return EXIT_FAILURE;
	do
		r = serve_next(poll, term, argc > 1 ? argv[1] : NULL);
	while (r == 1);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
