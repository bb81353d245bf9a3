#include "hostile-descriptor.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include "keeper-stage.h"

#define SILENT_MAX 32
#define FDS_COUNTED 512
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Two targets at once have one network. */
static const char format[] =
	"service tcp { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" }\n"
	"service udp { listen = \"udp:0\" v6only = no exec = \"/bin/true\" }\n"
	"service local { listen = \"unix-dgram:@superd-fuzz-%d-datagrams\" exec = \"/bin/true\" }\n"
	"service stream { listen = \"unix:@superd-fuzz-%d-stream\" exec = \"/bin/true\" }\n"
	"service wait { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = wait }\n"
	"service session { listen = \"tcp:127.0.0.1:0\" builtin = echo }\n"
	"service pool { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = pool\n"
	"               processes = {0, 2} }\n"
	"service pass { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = pass\n"
	"               processes = {0, 2} }\n";

const char *hostile_services(void)
{
	static char text[2048];

	(void)snprintf(text, sizeof(text), format, (int)getpid(), (int)getpid());
	return text;
}

static int make_memfd(off_t size, int seals)
{
	int fd = memfd_create("datagram", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert(ftruncate(fd, size) == 0);
	(void)fcntl(fd, F_ADD_SEALS, seals);
	return fd;
}

/* Closes one end of what has two. */
static int one_of(int ends[2], int which)
{
	close(ends[!which]);
	return ends[which];
}

static struct address address_of(const struct stage *stage, size_t endpoint)
{
	struct address address;

	int r = listener_address(stage_listener(stage, endpoint), &address);

	assert(r == 0);
	return address;
}

/* In another process, because a client of a Unix socket that is the keeper itself is refused. */
static bool connect_elsewhere(int fd, const struct address *address)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(connect(fd, &address->any, address->length) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int make_client(const struct stage *stage, size_t endpoint)
{
	struct address address = address_of(stage, endpoint);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = address_is_unix(&address) ? connect_elsewhere(fd, &address)
						   : connect(fd, &address.any, address.length) == 0;

	assert(connected);
	return fd;
}

/* Both ends of a connection. */
static void make_connection(const struct stage *stage, size_t endpoint, int out[2])
{
	struct address peer;

	out[0] = make_client(stage, endpoint);
	out[1] = listener_accept(stage_listener(stage, endpoint), 0, &peer);
}

static int make_reset(const struct stage *stage)
{
	const struct linger at_once = { .l_onoff = 1 };
	int ends[2];

	make_connection(stage, TCP, ends);
	(void)setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return one_of(ends, 1);
}

/* Clients that do not read, the latest. */
static int silent[SILENT_MAX];
static size_t n_silent;

void hostile_end_clients(void)
{
	while (n_silent > 0)
		close(silent[--n_silent]);
}

static int make_blocked(const struct stage *stage)
{
	const struct linger long_one = { .l_onoff = 1, .l_linger = 100000 };
	static const char bytes[1 << 16];
	int ends[2];

	make_connection(stage, TCP, ends);
	(void)setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one));
	while (send(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	if (n_silent == SILENT_MAX)
		hostile_end_clients();
	silent[n_silent++] = ends[0];
	return ends[1];
}

static int make_datagrams(const struct stage *stage)
{
	struct address address = address_of(stage, TCP);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)bind(fd, &address.any, address.length);
	(void)connect(fd, &address.any, address.length);
	return fd;
}

static int copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int make_epoll(const struct stage *stage)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	(void)epoll_ctl(fd, EPOLL_CTL_ADD, stage->channel, &event);
	return fd;
}

static int make_of_client(const struct stage *stage, size_t endpoint, int which)
{
	int ends[2];

	make_connection(stage, endpoint, ends);
	return one_of(ends, which);
}

static int make_socket(const struct stage *stage, enum hostile_kind kind)
{
	int ends[2];

	switch (kind) {
	case RESET:
		return make_reset(stage);
	case CLIENT_OF_TCP:
		return make_of_client(stage, TCP, 0);
	case CLIENT_OF_STREAM:
		return make_of_client(stage, STREAM, 0);
	case BLOCKED:
		return make_blocked(stage);
	case PAIR:
		assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
		return one_of(ends, 0);
	case UNCONNECTED:
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case BOUND_DATAGRAMS:
		return make_datagrams(stage);
	case LISTENING:
		return copy(stage_listener(stage, TCP)->fd);
	case LISTENING_WAIT:
		return copy(stage_listener(stage, WAIT)->fd);
	default:
		return copy(stage->channel);
	}
}

static int make_file(const struct stage *stage, enum hostile_kind kind)
{
	int ends[2];

	switch (kind) {
	case SEALED:
		return make_memfd(1, SEALS);
	case SEALED_TOO_LONG:
		return make_memfd(CHANNEL_DATAGRAM_MAX + 1, SEALS);
	case UNSEALED:
		return make_memfd(1, 0);
	case A_FILE:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case A_PATH:
		return open("/", O_PATH | O_CLOEXEC);
	case A_PROCESS:
		return pidfd_open(getpid(), 0);
	case AN_EPOLL:
		return make_epoll(stage);
	case AN_EVENT:
		return eventfd(0, EFD_CLOEXEC);
	default:
		assert(pipe2(ends, O_CLOEXEC) == 0);
		return one_of(ends, kind == PIPE_TO_WRITE);
	}
}

static bool is_of(uint32_t service, uint32_t one, uint32_t other)
{
	return service == one || service == other;
}

/* Where there are datagrams, nobody is accepted. */
static int make_accepted(const struct stage *stage, size_t service)
{
	return is_of(service, UDP, LOCAL) ? copy(stage_listener(stage, service)->fd)
					  : make_of_client(stage, service, 1);
}

int hostile_descriptor(const struct stage *stage, enum hostile_kind kind)
{
	int fd;

	if (kind < RESET)
		return make_accepted(stage, kind);
	switch (kind) {
	case SEALED:
	case SEALED_TOO_LONG:
	case UNSEALED:
	case A_FILE:
	case A_PATH:
	case A_PROCESS:
	case AN_EPOLL:
	case AN_EVENT:
	case PIPE_TO_READ:
	case PIPE_TO_WRITE:
		fd = make_file(stage, kind);
		break;
	default:
		fd = make_socket(stage, kind);
	}
	assert(fd >= 0);
	return fd;
}

unsigned hostile_count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < FDS_COUNTED; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}
