/*
 * Puts load on one port and prints one line: the rate and the latency.
 *
 * It ends after a time and, where asked, after a number of clients, whatever the server does, and
 * by SIGTERM.
 */

#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

enum {
	EVENTS_MAX = 256,
	TICK_MS = 50,

	/* Clients that warm up and are not answered yet: a short queue of the server loses none. */
	AHEAD_MAX = 8,
};

static const uint64_t warm_up_ns = 10000000000;

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

/*
 * Clients that stay come from 127.0.0.1 unless -S says otherwise: they need few ports, and there
 * are servers that look up its name. For the others, without a port of its own the source gets one
 * at connect(), unique only together with the server's address, so that clients in TIME_WAIT do not
 * use up the ports.
 */
static void bind_next_source(struct load *load, int fd)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	unsigned n;
	int on = 1;

	if (load->n_sources == 0)
		return;

	n = load->source++ % load->n_sources;
	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (1 << 16) + (n / 250 << 8) + n % 250);
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		die("IP_BIND_ADDRESS_NO_PORT");
	if (bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0)
		die("bind");
}

/* Client after client, all ports have their turn. */
static struct sockaddr_in next_server(struct load *load)
{
	struct sockaddr_in server = load->server;
	unsigned port = ntohs(server.sin_port) + (unsigned)(load->n_opened++ % load->n_ports);

	server.sin_port = htons((uint16_t)port);
	return server;
}

/* What connect() has to complain about is found when the client is ready. */
void client_open(struct load *load, struct client *client)
{
	const struct load_mode *mode = load->mode;
	struct epoll_event event = { .events = mode->events, .data.ptr = client };
	int nonblock = mode->warms_up ? 0 : SOCK_NONBLOCK;
	struct sockaddr_in server = next_server(load);

	client->got = 0;
	client->sent = 0;
	client->started_ns = now_ns();
	client->fd = socket(AF_INET, mode->socket_type | nonblock | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		die("socket");
	bind_next_source(load, client->fd);

	if (connect(client->fd, (struct sockaddr *)&server, sizeof(server)) < 0 && mode->warms_up)
		die("connect");

	if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
		die("epoll_ctl");
	load->n_open++;
	if (mode->start)
		mode->start(load, client);
}

void client_close(struct load *load, struct client *client)
{
	close(client->fd);
	client->fd = -1;
	load->n_open--;
}

void client_renew(struct load *load, struct client *client)
{
	client_close(load, client);
	if (load->count_max == 0 || load->n_opened < load->count_max)
		client_open(load, client);
}

void load_answered(struct load *load, uint64_t since_ns)
{
	load->done++;
	latency_add(&load->latency, now_ns() - since_ns);
}

void load_warmed(struct load *load, struct client *client)
{
	if (!client->warm)
		load->n_warm++;
	client->warm = true;
}

static void begin_measuring(struct load *load, struct client *clients)
{
	load->done = 0;
	load->failed = 0;
	load->lost = 0;
	load->bytes = 0;
	memset(&load->latency, 0, sizeof(load->latency));
	load->measuring = true;
	load->started_ns = now_ns();

	if (load->mode->begun)
		load->mode->begun(load);
	for (unsigned i = 0; load->mode->start && i < load->n_clients; i++)
		if (clients[i].fd >= 0)
			load->mode->start(load, &clients[i]);
}

static bool is_over(const struct load *load)
{
	uint64_t elapsed_ns = now_ns() - load->started_ns;

	if (load->n_open == 0 || stopped)
		return true;
	if (!load->measuring)
		return elapsed_ns >= warm_up_ns;
	if (load->count_max && load->done + load->failed >= load->count_max)
		return true;
	return elapsed_ns >= load->duration_ns;
}

static void wait_once(struct load *load)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(load->epoll_fd, events, EVENTS_MAX, TICK_MS);

	if (n < 0 && errno != EINTR)
		die("epoll_wait");

	for (int i = 0; i < n; i++) {
		struct client *client = events[i].data.ptr;

		if (client->fd >= 0)
			load->mode->ready(load, client, events[i].events);
	}
}

static void tick_all(struct load *load, struct client *clients)
{
	static uint64_t next_ns;
	uint64_t now = now_ns();

	if (!load->mode->tick || now < next_ns)
		return;

	next_ns = now + TICK_MS * 1000000;
	for (unsigned i = 0; i < load->n_clients; i++)
		load->mode->tick(load, &clients[i]);
}

static void open_first(struct load *load, struct client *clients)
{
	bool warms_up = load->mode->warms_up;

	while (load->n_opened < load->n_clients &&
	       (!warms_up || load->n_opened - load->n_warm < AHEAD_MAX))
		client_open(load, &clients[load->n_opened]);
}

static void run(struct load *load)
{
	struct client *clients = calloc(load->n_clients, sizeof(*clients));

	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!clients || load->epoll_fd < 0)
		die("start");

	load->measuring = !load->mode->warms_up;
	load->started_ns = now_ns();
	open_first(load, clients);

	while (!is_over(load)) {
		wait_once(load);
		open_first(load, clients);
		if (!load->measuring && load->n_warm == load->n_clients)
			begin_measuring(load, clients);
		tick_all(load, clients);
	}
	free(clients);
}

static int report(const struct load *load)
{
	double seconds = (double)(now_ns() - load->started_ns) / 1e9;
	uint64_t total = load->mode->counts_bytes ? load->bytes : load->done;

	if (!load->measuring) {
		fprintf(stderr, "load: only %u of %u clients were answered\n", load->n_warm,
			load->n_clients);
		return TOOL_FAILED;
	}

	if (total == 0) {
		fprintf(stderr, "load: no answer in %.1f s, %" PRIu64 " failures\n", seconds,
			load->failed);
		return TOOL_FAILED;
	}

	printf("mode=%s clients=%u seconds=%.3f done=%" PRIu64 " failed=%" PRIu64 " lost=%" PRIu64
	       " bytes=%" PRIu64 " unit=%s rate=%.1f p50_us=%.1f p99_us=%.1f max_us=%.1f\n",
	       load->mode->name, load->n_clients, seconds, load->done, load->failed, load->lost,
	       load->bytes, load->mode->counts_bytes ? "bytes" : "answers", (double)total / seconds,
	       (double)latency_quantile(&load->latency, 0.5) / 1e3,
	       (double)latency_quantile(&load->latency, 0.99) / 1e3,
	       (double)latency_quantile(&load->latency, 1) / 1e3);
	return 0;
}

int main(int argc, char **argv)
{
	static struct load load = {
		.n_clients = 1,
		.n_ports = 1,
		.window = 8,
		.duration_ns = 1000000000,
	};

	load_options_parse(&load, argc, argv);
	descriptors_raise();
	(void)signal(SIGTERM, stop);
	run(&load);
	return report(&load);
}
