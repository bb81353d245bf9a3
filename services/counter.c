/*
 * Shows dispatch = wait. One process owns the listener, serves one client after the other, and ends
 * when no client has come for a while. superd then listens again, and starts the program for the
 * next client. Each client is told how many clients this process has served.
 *
 * The listener, stream or datagram, is descriptor 0, as inetd passes it, or descriptor 3 with
 * LISTEN_PID and LISTEN_FDS, as systemd does. So the program runs under all super-servers.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum {
	FIRST_PASSED = 3,
	IDLE_SECONDS = 10,
	IDLE_SECONDS_MAX = 24 * 60 * 60,
};

static bool systemd_passed_one(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");

	return pid && count && strtol(pid, NULL, 10) == (long)getpid() &&
	       strtol(count, NULL, 10) >= 1;
}

static size_t compose(char *text, size_t size, unsigned long n)
{
	int length =
		snprintf(text, size, "You are client %lu of process %ld.\r\n", n, (long)getpid());

	return (size_t)length < size ? (size_t)length : size - 1;
}

static int serve_connection(int listener, unsigned long n)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char text[64];

	if (client < 0)
		return -errno;

	(void)client_write(client, text, compose(text, sizeof(text), n));
	/* The next client must not wait for one that does not close its side. */
	client_finish(client, 0);
	close(client);
	return 0;
}

static int serve_datagram(int listener, unsigned long n)
{
	struct sockaddr_storage client = { 0 };
	socklen_t length = sizeof(client);
	char text[64];

	if (recvfrom(listener, NULL, 0, MSG_DONTWAIT, (struct sockaddr *)&client, &length) < 0)
		return -errno;
	if (!client_port_is_safe((struct sockaddr *)&client))
		return 0;

	(void)sendto(listener, text, compose(text, sizeof(text), n), MSG_DONTWAIT | MSG_NOSIGNAL,
		     (struct sockaddr *)&client, length);
	return 0;
}

/* The client has left again, or another process took it: no reason to end. */
static bool is_passing(int r)
{
	return r == -EAGAIN || r == -EINTR || r == -ECONNABORTED || r == -ECONNREFUSED;
}

static int serve(int listener, int idle_ms)
{
	struct pollfd input = { .fd = listener, .events = POLLIN };
	socklen_t length = sizeof(int);
	unsigned long n_served = 0;
	int type;

	if (getsockopt(listener, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return -errno;

	while (poll(&input, 1, idle_ms) != 0) {
		int r = type == SOCK_DGRAM ? serve_datagram(listener, n_served + 1)
					   : serve_connection(listener, n_served + 1);

		if (r == 0)
			n_served++;
		else if (!is_passing(r))
			return r;
	}
	return 0;
}

static int parse_seconds(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	return errno || end == text || *end || n < 1 || n > IDLE_SECONDS_MAX ? -EINVAL : (int)n;
}

int main(int argc, char **argv)
{
	int idle_seconds = argc > 1 ? parse_seconds(argv[1]) : IDLE_SECONDS;

	if (idle_seconds < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return EXIT_FAILURE;
	if (serve(systemd_passed_one() ? FIRST_PASSED : STDIN_FILENO, idle_seconds * 1000) < 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
