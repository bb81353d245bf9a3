/*
 * Modes over TCP.
 *
 * A client that keeps its connection and loses it is counted as failed and stays closed; the
 * connect mode goes on with a new one.
 */

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "tool.h"

enum {
	SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL,
};

static char outgoing[LOAD_SIZE_MAX];
static char incoming[LOAD_SIZE_MAX];

static bool is_for_later(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void fail(struct load *load, struct client *client)
{
	load->failed++;
	client_close(load, client);
}

/* The end of file is often there with the answer, and then it saves a turn of the loop. */
static void connect_ready(struct load *load, struct client *client, unsigned events)
{
	ssize_t n = read(client->fd, incoming, sizeof(incoming));

	if (n > 0) {
		client->got += (size_t)n;
		load->bytes += (size_t)n;
		if (!(events & EPOLLRDHUP))
			return;
		n = read(client->fd, incoming, sizeof(incoming));
	}

	if (n > 0 || is_for_later(n))
		return;

	if (n == 0 && client->got > 0)
		load_answered(load, client->started_ns);
	else
		load->failed++;
	client_renew(load, client);
}

/* Once connected it can send; then it waits for the message to come back. */
static void visit_ready(struct load *load, struct client *client, unsigned events)
{
	ssize_t n;

	if (client->sent == 0) {
		n = send(client->fd, outgoing, load->size, SEND_FLAGS);
		client->sent = n > 0 ? (size_t)n : 0;
	} else {
		n = recv(client->fd, incoming, load->size, MSG_DONTWAIT);
		client->got += n > 0 ? (size_t)n : 0;
	}

	if (is_for_later(n) || (n > 0 && client->got < load->size))
		return;

	if (n > 0)
		load_answered(load, client->started_ns);
	else
		load->failed++;
	client_renew(load, client);
}

static void ping(struct load *load, struct client *client)
{
	client->got = 0;
	client->started_ns = now_ns();
	if (send(client->fd, outgoing, load->size, SEND_FLAGS) != (ssize_t)load->size)
		fail(load, client);
}

static void pingpong_start(struct load *load, struct client *client)
{
	int on = 1;

	if (setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("TCP_NODELAY");
	ping(load, client);
}

static void pingpong_ready(struct load *load, struct client *client, unsigned events)
{
	ssize_t n = recv(client->fd, incoming, load->size - client->got, MSG_DONTWAIT);

	if (is_for_later(n))
		return;
	if (n <= 0) {
		fail(load, client);
		return;
	}

	client->got += (size_t)n;
	load->bytes += (size_t)n;
	if (client->got < load->size)
		return;

	load_answered(load, client->started_ns);
	load_warmed(load, client);
	if (load->measuring)
		ping(load, client);
}

/* For whoever started this: now all of them are held. Those that are left are what was done. */
static void hold_begun(struct load *load)
{
	load->done = load->n_open;
	printf("held\n");
	(void)fflush(stdout);
}

static void hold_start(struct load *load, struct client *client)
{
	if (!load->measuring)
		pingpong_start(load, client);
}

static void hold_ready(struct load *load, struct client *client, unsigned events)
{
	pingpong_ready(load, client, events);
	load->done = load->n_open;
}

/* The bytes are dropped in the kernel: the client must not be the slower half. */
static void sink_ready(struct load *load, struct client *client, unsigned events)
{
	ssize_t n = recv(client->fd, NULL, load->size, MSG_TRUNC | MSG_DONTWAIT);

	if (is_for_later(n))
		return;
	if (n <= 0) {
		fail(load, client);
		return;
	}

	load->bytes += (size_t)n;
	load_warmed(load, client);
}

static bool send_more(struct load *load, struct client *client)
{
	ssize_t n = send(client->fd, outgoing, load->size, SEND_FLAGS);

	if (n < 0 && !is_for_later(n)) {
		fail(load, client);
		return false;
	}

	if (n > 0)
		client->sent += (size_t)n;
	return true;
}

static void pump_ready(struct load *load, struct client *client, unsigned events)
{
	if ((events & EPOLLOUT) && !send_more(load, client))
		return;
	if (events & ~(unsigned)EPOLLOUT)
		sink_ready(load, client, events);
}

static void discard_ready(struct load *load, struct client *client, unsigned events)
{
	size_t before = client->sent;

	if (!send_more(load, client))
		return;

	load->bytes += client->sent - before;
	load_warmed(load, client);
}

const struct load_mode load_modes_stream[] = {
	{
		.name = "connect",
		.summary = "connect, read to the end, close",
		.socket_type = SOCK_STREAM,
		.events = EPOLLIN | EPOLLRDHUP,
		.ready = connect_ready,
	},
	{
		.name = "visit",
		.size = 64,
		.summary = "connect, send a message, wait until it has come back, close",
		.socket_type = SOCK_STREAM,
		.events = EPOLLIN | EPOLLOUT | EPOLLET,
		.ready = visit_ready,
	},
	{
		.name = "hold",
		.size = 64,
		.summary =
			"say \"held\" once every client has its message back, and do nothing more",
		.socket_type = SOCK_STREAM,
		.warms_up = true,
		.events = EPOLLIN,
		.start = hold_start,
		.begun = hold_begun,
		.ready = hold_ready,
	},
	{
		.name = "pingpong",
		.size = 64,
		.summary = "send a message, wait until it has come back, over kept connections",
		.socket_type = SOCK_STREAM,
		.warms_up = true,
		.events = EPOLLIN,
		.start = pingpong_start,
		.ready = pingpong_ready,
	},
	{
		.name = "sink",
		.size = LOAD_SIZE_MAX,
		.summary = "take all that the server sends",
		.counts_bytes = true,
		.socket_type = SOCK_STREAM,
		.warms_up = true,
		.events = EPOLLIN,
		.ready = sink_ready,
	},
	{
		.name = "pump",
		.size = LOAD_SIZE_MAX,
		.summary = "send without pause and count what comes back",
		.counts_bytes = true,
		.socket_type = SOCK_STREAM,
		.warms_up = true,
		.events = EPOLLIN | EPOLLOUT,
		.ready = pump_ready,
	},
	{
		.name = "discard",
		.size = LOAD_SIZE_MAX,
		.summary = "send without pause and count what the server takes",
		.counts_bytes = true,
		.socket_type = SOCK_STREAM,
		.warms_up = true,
		.events = EPOLLOUT,
		.ready = discard_ready,
	},
	{ 0 },
};
