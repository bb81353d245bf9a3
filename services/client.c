#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

bool client_port_is_safe(const struct sockaddr *client)
{
	/* sin_port and sin6_port have the same offset. */
	const struct sockaddr_in *address = (const struct sockaddr_in *)client;

	if (client->sa_family != AF_INET && client->sa_family != AF_INET6)
		return true;
	return ntohs(address->sin_port) >= IPPORT_RESERVED;
}

bool client_may_be_answered(int fd)
{
	struct sockaddr_storage client = { 0 };
	socklen_t length = sizeof(int);
	int type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_DGRAM)
		return true;

	length = sizeof(client);
	return getpeername(fd, (struct sockaddr *)&client, &length) < 0 ||
	       client_port_is_safe((struct sockaddr *)&client);
}

int client_set_patience(int fd, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return 0;
}

int client_write(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void client_finish(int fd, int patience_ms)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	long long end = now_ms() + patience_ms;
	long long left = patience_ms;
	char drain[4096];

	if (shutdown(fd, SHUT_WR) < 0)
		return;

	do {
		if (poll(&input, 1, (int)left) <= 0)
			return;
		if (recv(fd, drain, sizeof(drain), MSG_DONTWAIT) <= 0)
			return;
		left = end - now_ms();
	} while (left > 0);
}
