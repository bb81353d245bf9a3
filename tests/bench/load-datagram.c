/*
 * The datagram mode: every client keeps a window of datagrams in flight and sends one for each
 * that comes back.
 *
 * A datagram carries the time it left and the epoch of its client. When nothing has come back for
 * a while, the window counts as lost and a new epoch begins; what is still late is ignored.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "load.h"
#include "tool.h"

enum {
	DATAGRAM_MAX = 8192,
};

/* Far above the delay of any server that still answers. */
static const uint64_t patience_ns = 200000000;

struct stamp {
	uint64_t sent_ns;
	uint64_t epoch;
};

static char buffers[LOAD_WINDOW_MAX][DATAGRAM_MAX];
static struct iovec parts[LOAD_WINDOW_MAX];
static struct mmsghdr messages[LOAD_WINDOW_MAX];

static void prepare(size_t size)
{
	for (size_t i = 0; i < LOAD_WINDOW_MAX; i++) {
		parts[i] = (struct iovec){ buffers[i], size };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
}

static size_t datagram_size(const struct load *load)
{
	size_t size = load->size < DATAGRAM_MAX ? load->size : DATAGRAM_MAX;

	return size < sizeof(struct stamp) ? sizeof(struct stamp) : size;
}

static void fill_window(struct load *load, struct client *client)
{
	struct stamp stamp = { now_ns(), client->epoch };
	unsigned n = load->window - client->in_flight;
	int sent;

	prepare(datagram_size(load));
	for (unsigned i = 0; i < n; i++)
		memcpy(buffers[i], &stamp, sizeof(stamp));

	sent = sendmmsg(client->fd, messages, n, 0);
	if (sent < 0)
		load->failed++;
	else
		client->in_flight += (unsigned)sent;
}

static void datagram_start(struct load *load, struct client *client)
{
	client->in_flight = 0;
	fill_window(load, client);
}

static void take(struct load *load, struct client *client, const struct mmsghdr *message)
{
	struct stamp stamp;

	memcpy(&stamp, message->msg_hdr.msg_iov->iov_base, sizeof(stamp));
	if (message->msg_len != datagram_size(load) || stamp.epoch != client->epoch)
		return;

	client->in_flight--;
	client->started_ns = stamp.sent_ns;
	load->bytes += message->msg_len;
	load_answered(load, stamp.sent_ns);
}

static void datagram_ready(struct load *load, struct client *client, unsigned events)
{
	int n;

	prepare(DATAGRAM_MAX);
	n = recvmmsg(client->fd, messages, load->window, MSG_DONTWAIT, NULL);
	if (n < 0) {
		load->failed += errno != EAGAIN && errno != EINTR;
		return;
	}

	for (int i = 0; i < n; i++)
		take(load, client, &messages[i]);
	fill_window(load, client);
}

static void datagram_tick(struct load *load, struct client *client)
{
	if (now_ns() - client->started_ns < patience_ns)
		return;

	load->lost += client->in_flight;
	client->epoch++;
	client->in_flight = 0;
	client->started_ns = now_ns();
	fill_window(load, client);
}

const struct load_mode load_mode_datagram = {
	.name = "datagram",
	.size = 64,
	.summary = "UDP echo, a window of datagrams in flight per client",
	.socket_type = SOCK_DGRAM,
	.events = EPOLLIN,
	.start = datagram_start,
	.ready = datagram_ready,
	.tick = datagram_tick,
};
