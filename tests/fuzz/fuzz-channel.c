/*
 * Throws messages at the keeper as a front that was taken over would send them: every field,
 * with descriptors of every kind. What it believes starts programs that end at once; then
 * nothing may be left, and no count may be wrong.
 */

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper-stage.h"

#define FDS_MAX 3
#define STEPS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One message: small numbers name what there is, and a little more. */
struct step {
	uint8_t type, service, endpoint, count, status;
	uint8_t n_fds, kind, lacking;
	uint8_t peer_length, local_length;
	uint8_t peer[24], local[24];
};

enum { TCP, UDP, LOCAL, WAIT, SESSION, POOL, PASS, N_SERVICES };

static const char services[] =
	"service tcp { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" }\n"
	"service udp { listen = \"udp:0\" exec = \"/bin/true\" }\n"
	"service local { listen = \"unix-dgram:@superd-fuzz-channel\" exec = \"/bin/true\" }\n"
	"service wait { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = wait }\n"
	"service session { listen = \"tcp:127.0.0.1:0\" builtin = echo }\n"
	"service pool { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = pool\n"
	"               processes = {0, 2} }\n"
	"service pass { listen = \"tcp:127.0.0.1:0\" exec = \"/bin/true\" dispatch = pass\n"
	"               processes = {0, 2} }\n";

static struct stage stage;

static int make_memfd(int seals)
{
	int fd = memfd_create("datagram", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)fcntl(fd, F_ADD_SEALS, seals);
	return fd;
}

static int make_connection(size_t endpoint)
{
	const struct listener *listener = stage_listener(&stage, endpoint);
	struct address address;
	int client, fd;

	if (listener_address(listener, &address) < 0)
		abort();
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(client, &address.any, address.length) < 0)
		abort();
	fd = listener_accept(listener, 0, &address);
	close(client);
	return fd;
}

static int make_descriptor(unsigned kind)
{
	switch (kind % 9) {
	case 0:
		return make_connection(TCP);
	case 1:
		return make_connection(SESSION);
	case 2:
		return make_memfd(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	case 3:
		return make_memfd(0);
	case 4:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 5:
		return open("/", O_PATH | O_CLOEXEC);
	case 6:
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case 7:
		return fcntl(stage_listener(&stage, TCP)->fd, F_DUPFD_CLOEXEC, 3);
	default:
		return fcntl(stage.channel, F_DUPFD_CLOEXEC, 3);
	}
}

static uint32_t number(uint8_t value)
{
	return value == UINT8_MAX ? UINT32_MAX : value % (N_SERVICES + 1);
}

static struct address make_address(const uint8_t *bytes, size_t n, uint8_t length)
{
	const socklen_t lengths[] = { 0, sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6),
				      sizeof(struct sockaddr_un), length };
	struct address address = { .length = lengths[length % 5] };

	memcpy(&address.un, bytes, n);
	return address;
}

static struct channel_request make_request(const struct step *step)
{
	return (struct channel_request){
		.service = number(step->service),
		.endpoint = number(step->endpoint),
		.peer = make_address(step->peer, sizeof(step->peer), step->peer_length),
		.local = make_address(step->local, sizeof(step->local), step->local_length),
	};
}

static struct channel_message make_message(const struct step *step)
{
	struct channel_message message = { .type = step->type % (CHANNEL_TYPES + 1) };

	switch (message.type) {
	case CHANNEL_GROW:
		message.grow.service = number(step->service);
		break;
	case CHANNEL_DISMISS:
		message.dismiss = (struct channel_dismiss){ number(step->service),
							    number(step->count),
							    (int32_t)number(step->status) };
		break;
	default:
		message.request = make_request(step);
	}
	return message;
}

/* Mostly nothing. */
static size_t lacking(const struct step *step)
{
	return step->lacking < 240 ? 0 : step->lacking;
}

static void send_step(const struct step *step)
{
	struct channel_message message = make_message(step);
	size_t n = step->n_fds % (FDS_MAX + 1);
	struct iovec part = { &message, sizeof(message) - lacking(step) };
	union {
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[FDS_MAX];

	for (size_t i = 0; i < n; i++)
		fds[i] = make_descriptor(step->kind + i);
	if (n > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n * sizeof(int));
		*CMSG_FIRSTHDR(&header) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
							    .cmsg_type = SCM_RIGHTS,
							    .cmsg_len = CMSG_LEN(n * sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), fds, n * sizeof(int));
	}
	(void)sendmsg(stage.channel, &header, MSG_DONTWAIT);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Also of what children that ended have left to start. */
static void settle(void)
{
	stage_turn(&stage);
	while (children_count(&stage.keeper.children) > 0)
		stage_end_programs(&stage);
	stage_turn(&stage);
}

static int lowest_free_descriptor(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return fd;
}

static void start_once(void)
{
	if (stage.keeper.poller)
		return;
	if (log_open(LOG_TO_FILE, "/dev/null") < 0)
		abort();
	stage_open(&stage, services);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int lowest;

	start_once();
	lowest = lowest_free_descriptor();
	for (int i = 0; i < STEPS_MAX && size >= sizeof(struct step); i++) {
		struct step step;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step);
		size -= sizeof(step);
		send_step(&step);
		settle();
	}

	for (size_t i = 0; i < N_SERVICES; i++)
		assert(stage_live(&stage, i) == 0);
	assert(!stage_listener(&stage, WAIT)->busy);
	assert(!list_is_linked(&stage.keeper.requests.shortage.waiting));
	stage_close_front(&stage);
	stage_open_front(&stage);
	assert(lowest_free_descriptor() == lowest);
	return 0;
}
