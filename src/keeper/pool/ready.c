#include "keeper/pool/ready.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MESSAGES_MAX 32 /* a turn, because every process can write to the socket */
#define MESSAGE_SIZE 4096

static bool says_ready(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "READY=1", 7) == 0 && (line[7] == '\n' || line[7] == '\0'))
			return true;
	}
	return false;
}

static pid_t writer_of(struct msghdr *header)
{
	struct ucred writer = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&writer, CMSG_DATA(c), sizeof(writer));
	return writer.pid;
}

/* Without room for them the kernel closes descriptors that a sender adds. */
static bool take_message(struct ready_socket *ready)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char text[MESSAGE_SIZE + 1];
	struct iovec part = { .iov_base = text, .iov_len = MESSAGE_SIZE };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };

	ssize_t n;

	n = recvmsg(ready->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	text[n] = '\0';

	if (says_ready(text))
		ready->on_ready(ready, writer_of(&header));
	return true;
}

static void on_message(struct watch *watch)
{
	struct ready_socket *ready = container_of(watch, struct ready_socket, watch);

	for (int i = 0; i < MESSAGES_MAX && take_message(ready); i++)
		;
}

/* The kernel chooses a free abstract name, which a process finds in every chroot. */
static int bind_somewhere(int fd, char *out, size_t size)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(name.sun_family);
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name, length) < 0)
		return -errno;
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length) < 0)
		return -errno;
	snprintf(out, size, "@%.*s", (int)(length - sizeof(name.sun_family) - 1),
		 name.sun_path + 1);
	return 0;
}

void ready_init(struct ready_socket *ready, ready_fn *on_ready)
{
	*ready = (struct ready_socket){ .fd = -1, .on_ready = on_ready };
}

int ready_open(struct ready_socket *ready, struct poller *poller)
{
	AUTO(auto_close) int fd = -1;
	int r;

	if (ready->fd >= 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_somewhere(fd, ready->name, sizeof(ready->name));
	if (r < 0)
		return r;
	r = watch_add(&ready->watch, poller, fd, WATCH_READ, on_message);
	if (r < 0)
		return r;
	ready->fd = take_fd(fd);
	return 0;
}

void ready_close(struct ready_socket *ready)
{
	watch_remove(&ready->watch);
	if (ready->fd >= 0)
		close(ready->fd);
	ready->fd = -1;
}
