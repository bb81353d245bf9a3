#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int fd_fill_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;

		/* open() takes the lowest free number: @fd, which stays open over execve(). */
		if (open("/dev/null", O_RDWR | O_NOCTTY) < 0)
			return -errno;
	}

	return 0;
}

int fd_raise_limit(struct rlimit *out_old)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*out_old = limit;

	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;

	return 0;
}

void fd_close_others(int first)
{
	(void)close_range(first, ~0U, 0);
}

int fd_set_blocking(int fd, bool blocking)
{
	int flags, wanted;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;

	wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
		return -errno;

	return 0;
}

/* A message of one byte with one descriptor. */
struct message {
	char byte;
	struct iovec part;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr header;
};

static void compose(struct message *message)
{
	*message = (struct message){ .byte = 0 };
	message->part = (struct iovec){ &message->byte, 1 };
	message->header.msg_iov = &message->part;
	message->header.msg_iovlen = 1;
	message->header.msg_control = message->control;
	message->header.msg_controllen = sizeof(message->control);
}

int fd_send(int socket, int fd)
{
	struct message message;
	struct cmsghdr *rights;

	compose(&message);
	rights = CMSG_FIRSTHDR(&message.header);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	return sendmsg(socket, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int fd_receive(int socket, int *out)
{
	struct message message;
	struct cmsghdr *rights;
	ssize_t n;

	*out = -1;
	compose(&message);
	n = recvmsg(socket, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	rights = CMSG_FIRSTHDR(&message.header);
	if (rights && rights->cmsg_type == SCM_RIGHTS && rights->cmsg_len == CMSG_LEN(sizeof(*out)))
		memcpy(out, CMSG_DATA(rights), sizeof(*out));
	return 1;
}

int fd_duplicate(int fd)
{
	int copy;

	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return copy < 0 ? -errno : copy;
}
