#include "libsuperd-pass/superd-pass.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PASSED 3 /* as sd_listen_fds(3) counts */
#define NUMBER_MAX 1000000

static const char number_name[] = "SUPERD_CLIENT";

/* Returns the number if @text is one decimal number and nothing else, or -1. */
static long parse_number(const char *text)
{
	char *end;
	long n;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return errno || *end ? -1 : n;
}

/* The index of @name in @names, which are separated by colons, or -1. */
static long find_name(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (long index = 0; names; index++) {
		if (strncmp(names, name, n) == 0 && (names[n] == ':' || names[n] == '\0'))
			return index;
		names = strchr(names, ':');
		if (names)
			names++;
	}
	return -1;
}

static bool is_ours(int fd)
{
	socklen_t length = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

/* The names are for the process LISTEN_PID only. Its children use descriptor 0. */
static int find_socket(void)
{
	long index = find_name(getenv("LISTEN_FDNAMES"), "superd-pass");

	if (parse_number(getenv("LISTEN_PID")) == (long)getpid() && index >= 0 &&
	    index < parse_number(getenv("LISTEN_FDS")) && is_ours(FIRST_PASSED + (int)index)) {
		(void)fcntl(FIRST_PASSED + (int)index, F_SETFD, FD_CLOEXEC);
		return FIRST_PASSED + (int)index;
	}
	return is_ours(STDIN_FILENO) ? STDIN_FILENO : -ENOTSOCK;
}

int superd_pass_fd(void)
{
	/* Every thread finds the same socket, so it does not matter which one stores it. */
	static _Atomic int found = -1;
	int fd = found;

	if (fd < 0) {
		fd = find_socket();
		found = fd;
	}
	return fd;
}

static ssize_t receive_message(int fd, struct msghdr *header, int flags)
{
	ssize_t n;

	do {
		n = recvmsg(fd, header, MSG_CMSG_CLOEXEC | flags);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* With @wait it waits even if the program has made the socket non-blocking. */
static ssize_t receive_or_wait(int fd, struct msghdr *header, bool wait)
{
	const struct msghdr fresh = *header;
	struct pollfd input = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		n = receive_message(fd, header, wait ? 0 : MSG_DONTWAIT);
		if (n != -EAGAIN || !wait)
			return n;
		(void)poll(&input, 1, -1);
		*header = fresh;
	}
}

static int take_descriptor(struct msghdr *header)
{
	struct cmsghdr *rights = CMSG_FIRSTHDR(header);
	int fd;

	if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	return fd;
}

static int check(struct superd_client *client, int flags)
{
	long number;

	if (flags & MSG_TRUNC || client->text[client->length - 1] != '\0')
		return -EBADMSG;
	number = parse_number(superd_pass_variable(client, number_name));
	if (number < 0 || number > NUMBER_MAX)
		return -EBADMSG;
	client->number = (unsigned)number;
	if (client->fd >= 0)
		return 0;

	/* The kernel delivers the text and drops a descriptor that finds no free number. */
	(void)superd_pass_done(client);
	return flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
}

int superd_pass_receive(struct superd_client *out, int flags)
{
	struct iovec part = { .iov_base = out->text, .iov_len = sizeof(out->text) };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = superd_pass_fd();
	ssize_t n;
	int r;

	out->fd = -1;
	out->length = 0;
	if (fd < 0)
		return fd;

	n = receive_or_wait(fd, &header, !(flags & SUPERD_PASS_DONTWAIT));
	if (n <= 0)
		return n == -ECONNRESET ? 0 : (int)n;

	out->length = (size_t)n;
	out->fd = take_descriptor(&header);
	r = check(out, header.msg_flags);
	if (r < 0 && out->fd >= 0) {
		close(out->fd);
		out->fd = -1;
	}
	return r < 0 ? r : 1;
}

int superd_pass_done(struct superd_client *client)
{
	struct pollfd output = { .fd = superd_pass_fd(), .events = POLLOUT };
	char text[32];
	int n;

	if (client->fd >= 0) {
		close(client->fd);
		client->fd = -1;
	}
	if (output.fd < 0)
		return output.fd;

	n = snprintf(text, sizeof(text), "DONE=%u", client->number);
	while (send(output.fd, text, (size_t)n, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (errno == EAGAIN)
			(void)poll(&output, 1, -1);
	}
	return 0;
}

const char *superd_pass_variable(const struct superd_client *client, const char *name)
{
	const char *end = client->text + client->length;
	size_t n = strlen(name);

	for (const char *at = client->text; at < end; at += strlen(at) + 1)
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			return at + n + 1;
	return NULL;
}
