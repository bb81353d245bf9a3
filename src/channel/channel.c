#include "channel/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Of the sender's credentials, and of one descriptor, without room for another. */
#define CONTROL_SIZE (CMSG_SPACE(sizeof(struct ucred)) + CMSG_LEN(sizeof(int)))

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
	const int on = 1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;

	for (int i = 0; i < 2; i++) {
		if (setsockopt(pair[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
			int r = -errno;

			close(pair[0]);
			close(pair[1]);
			return r;
		}
	}
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

/* What is seen of the message that comes next. */
struct view {
	ssize_t size;
	bool is_message; /* false: the end of the channel, which looks like an empty message */
	bool cut;        /* it has descriptors, or bytes, that were not received */
	int fd;          /* -1: none */
};

static void read_control(struct view *view, struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		/* The kernel adds them to every message. */
		if (c->cmsg_type == SCM_CREDENTIALS)
			view->is_message = true;
		if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&view->fd, CMSG_DATA(c), sizeof(int));
	}
}

static void peek(int channel, struct channel_message *out, struct view *view)
{
	struct iovec part = { .iov_base = out, .iov_len = sizeof(*out) };
	union {
		char bytes[CONTROL_SIZE];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CONTROL_SIZE };

	*view = (struct view){ .fd = -1 };
	view->size = recvmsg(channel, &header, MSG_PEEK | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (view->size < 0)
		return;
	view->cut = (header.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
	/* The last part is not padded, and CMSG_NXTHDR() might take that for its end. */
	header.msg_controllen = sizeof(control);
	read_control(view, &header);
}

static bool is_well_formed(const struct channel_message *message, const struct view *view,
			   bool has_descriptor)
{
	const struct channel_traits *type;

	if (view->size != (ssize_t)sizeof(*message))
		return false;
	type = channel_traits(message->type);
	if (!type || has_descriptor != type->has_descriptor)
		return false;
	if (type->has_request)
		return is_address(&message->request.peer) && is_address(&message->request.local);
	return message->type != CHANNEL_UNREAD || is_address(&message->unread.local);
}

void channel_skip(int channel)
{
	(void)recv(channel, NULL, 0, MSG_DONTWAIT);
}

int channel_receive(int channel, struct channel_message *out, int *out_fd)
{
	struct view view;

	*out_fd = -1;
	peek(channel, out, &view);
	/* The other side has gone, with messages unread. Its own are still there. */
	if (view.size < 0 && errno == ECONNRESET)
		peek(channel, out, &view);
	if (view.size < 0)
		return -errno;
	if (!view.is_message)
		return 0;

	*out_fd = view.fd;
	if (!view.cut && is_well_formed(out, &view, view.fd >= 0)) {
		channel_skip(channel);
		return 1;
	}
	return view.cut && view.fd < 0 && is_well_formed(out, &view, true) ? -EMFILE : -EBADMSG;
}
