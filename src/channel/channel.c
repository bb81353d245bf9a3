#include "channel/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"

/* One more than is ever sent, so that a message with too many is noticed. */
#define DESCRIPTORS_MAX 2

#define STARTING (1u << FRONT_STARTING)
#define SERVING (1u << FRONT_SERVING)
#define HALTING (1u << FRONT_HALTING)
#define HALTED (1u << FRONT_HALTED)
#define DRAINING (1u << FRONT_DRAINING)

/* A front that drains because superd stops may have sent requests before it read DRAIN. */
#define ASKING (SERVING | HALTING | DRAINING)
/* A halted front goes on if the reload fails, so it gets these messages too. */
#define COUNTING (STARTING | SERVING | HALTING | HALTED)
#define ANY (COUNTING | DRAINING)
/* It may cross the RESUME or the DRAIN of the keeper. */
#define ANSWERING (SERVING | HALTING | DRAINING)

static const struct channel_traits traits[CHANNEL_TYPES] = {
	[CHANNEL_READY] = { "READY", true, false, false, STARTING },
	[CHANNEL_SPAWN] = { "SPAWN", true, true, true, ASKING },
	[CHANNEL_DATAGRAM] = { "DATAGRAM", true, true, true, ASKING },
	[CHANNEL_WAIT] = { "WAIT", true, false, true, ASKING },
	[CHANNEL_GROW] = { "GROW", true, false, false, ASKING },
	[CHANNEL_DISMISS] = { "DISMISS", true, false, false, ANY },
	[CHANNEL_HALTED] = { "HALTED", true, false, false, ANSWERING },
	[CHANNEL_ALIVE] = { "ALIVE", true, false, false, ANY },
	[CHANNEL_LOG_LOST] = { "LOG_LOST", true, false, false, ANY },
	[CHANNEL_RUINED] = { "RUINED", true, false, false, ANY },

	[CHANNEL_HALT] = { "HALT", false, false, false, SERVING },
	[CHANNEL_RESUME] = { "RESUME", false, false, false, HALTING | HALTED },
	[CHANNEL_DRAIN] = { "DRAIN", false, false, false, ANY },
	[CHANNEL_ENDED] = { "ENDED", false, false, false, COUNTING },
	[CHANNEL_RELEASED] = { "RELEASED", false, false, false, COUNTING },
	[CHANNEL_LISTENER] = { "LISTENER", false, true, false, COUNTING },
	[CHANNEL_POOL] = { "POOL", false, false, false, COUNTING },
	[CHANNEL_PROCESS] = { "PROCESS", false, true, false, COUNTING },
	[CHANNEL_PROCESS_GONE] = { "PROCESS_GONE", false, false, false, ANY },
	[CHANNEL_LEAVE] = { "LEAVE", false, false, false, ANY },
	[CHANNEL_UNREAD] = { "UNREAD", false, true, false, SERVING },
	[CHANNEL_PAUSE] = { "PAUSE", false, false, false, COUNTING },
	[CHANNEL_CONTINUE] = { "CONTINUE", false, false, false, COUNTING },
	[CHANNEL_PING] = { "PING", false, false, false, SERVING | DRAINING },
	[CHANNEL_LOG] = { "LOG", false, true, false, ANY },
};

const struct channel_traits *channel_traits(uint32_t type)
{
	return type < CHANNEL_TYPES && traits[type].name ? &traits[type] : NULL;
}

static bool is_address(const struct address *address)
{
	if (address->length == 0)
		return true;

	switch (address->any.sa_family) {
	case AF_INET:
		return address->length == sizeof(address->in);
	case AF_INET6:
		return address->length == sizeof(address->in6);
	case AF_UNIX:
		return address->length >= sizeof(sa_family_t) &&
		       address->length <= sizeof(address->un);
	default:
		return false;
	}
}

int channel_pair(int *out_keeper, int *out_front)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;

	*out_keeper = pair[0];
	*out_front = pair[1];
	return 0;
}

int channel_send(int channel, const struct channel_message *message, int fd)
{
	struct iovec part = { .iov_base = (void *)message, .iov_len = sizeof(*message) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *rights;

		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}

	if (sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* Too many descriptors are on the way. The other side must read first. */
		if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM)
			return -EAGAIN;
		return errno == ECONNRESET ? -EPIPE : -errno;
	}
	return 0;
}

/* Returns how many descriptors came; all that do not fit into @out are closed. */
static size_t take_descriptors(struct msghdr *header, int out[static DESCRIPTORS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t carried;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		carried = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < carried; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < DESCRIPTORS_MAX)
				out[n++] = fd;
			else
				fd_discard(fd);
		}
	}
	return n;
}

static bool is_well_formed(const struct channel_message *message, ssize_t size, size_t n_fds)
{
	const struct channel_traits *type;

	if (size != (ssize_t)sizeof(*message))
		return false;
	type = channel_traits(message->type);
	if (!type || n_fds != (type->has_descriptor ? 1 : 0))
		return false;
	if (type->has_request)
		return is_address(&message->request.peer) && is_address(&message->request.local);
	return message->type != CHANNEL_UNREAD || is_address(&message->unread.local);
}

/* The end of the channel looks like an empty message. */
static bool has_ended(int channel)
{
	struct pollfd end = { .fd = channel, .events = POLLRDHUP };

	return poll(&end, 1, 0) > 0 && end.revents & (POLLHUP | POLLRDHUP);
}

int channel_receive(int channel, struct channel_message *out, int *out_fd)
{
	struct iovec part = { .iov_base = out, .iov_len = sizeof(*out) };
	union {
		char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	int fds[DESCRIPTORS_MAX];
	size_t n_fds;
	ssize_t size;

	size = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (size < 0)
		return errno == ECONNRESET ? 0 : -errno;

	n_fds = take_descriptors(&header, fds);
	if (is_well_formed(out, size, n_fds)) {
		*out_fd = n_fds ? fds[0] : -1;
		return 1;
	}

	for (size_t i = 0; i < n_fds; i++)
		fd_discard(fds[i]);
	if (size == 0 && has_ended(channel))
		return 0;
	/* The kernel delivers the bytes and drops a descriptor that finds no free number. */
	if (n_fds == 0 && (header.msg_flags & MSG_CTRUNC) && is_well_formed(out, size, 1))
		return -EMFILE;
	return -EBADMSG;
}
