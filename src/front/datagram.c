#include "front/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "front/builtin.h"
#include "front/gate.h"
#include "front/packet.h"
#include "front/state.h"

#define BATCH_MAX 32
#define BATCHES_MAX 4       /* a turn */
#define DATAGRAM_SIZE 65536 /* more than UDP carries */

/* Static, because pages are taken only as they are touched: one datagram takes few. */
static char data[BATCH_MAX][DATAGRAM_SIZE];
static struct sockaddr_storage names[BATCH_MAX];
static struct exchange exchanges[BATCH_MAX];
static struct iovec parts[BATCH_MAX];
static struct mmsghdr messages[BATCH_MAX];
static union {
	char bytes[PACKET_CONTROL_SIZE];
	struct cmsghdr align;
} controls[BATCH_MAX];

void datagram_guard_own_port(struct front_listener *listener)
{
	const struct listener *socket = listener->listener;
	struct address bound;

	if (front_is_program(listener->service) || socket->endpoint.type != SOCK_DGRAM ||
	    socket->fd < 0 || address_is_unix(&socket->endpoint.address))
		return;
	if (listener_address(socket, &bound) == 0)
		guard_add_port(&listener->service->front->guard, address_port(&bound));
}

static int receive(const struct listener *socket)
{
	bool wildcard = packet_is_wildcard(&socket->endpoint.address);
	int n;

	for (int i = 0; i < BATCH_MAX; i++) {
		parts[i] = (struct iovec){ .iov_base = data[i], .iov_len = DATAGRAM_SIZE };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &names[i],
			.msg_namelen = sizeof(names[i]),
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = wildcard ? &controls[i] : NULL,
			.msg_controllen = wildcard ? sizeof(controls[i]) : 0,
		};
	}
	n = recvmmsg(socket->fd, messages, BATCH_MAX, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}

/* Turns message @i into its answer. Returns whether there is one. */
static bool answer(const struct front_service *service, int i, time_t now)
{
	const struct builtin *builtin = builtin_find(service->settings->builtin);
	struct msghdr *header = &messages[i].msg_hdr;
	struct exchange *x = &exchanges[i];

	if (header->msg_flags & MSG_TRUNC ||
	    !guard_allows(&service->front->guard, header->msg_name, header->msg_namelen)) {
		atomic_fetch_add_explicit(&front_board(service)->dropped, 1, memory_order_relaxed);
		return false;
	}

	x->in = data[i];
	x->n_in = messages[i].msg_len;
	x->now = now;
	x->amplify = service->settings->amplify;
	if (x->amplify)
		x->random = (uint32_t)random();
	builtin->answer_datagram(x);
	if (service->settings->builtin == BUILTIN_DISCARD)
		return false;
	parts[i] = (struct iovec){ .iov_base = (char *)x->out, .iov_len = x->n_out };
	header->msg_flags = 0;
	if (header->msg_control)
		packet_make_reply(header);
	return true;
}

/* An answer that cannot be sent is dropped, like any datagram; those after it are sent. */
static void send_answers(const struct front_service *service, int fd, unsigned n)
{
	unsigned sent = 0;
	unsigned dropped = 0;

	while (sent < n) {
		int r = sendmmsg(fd, messages + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r <= 0)
			dropped++;
		sent += r > 0 ? (unsigned)r : 1;
	}
	if (dropped > 0)
		atomic_fetch_add_explicit(&front_board(service)->dropped, dropped,
					  memory_order_relaxed);
}

static void answer_batch(const struct front_service *service, int fd, int n)
{
	struct board_slot *board = front_board(service);
	time_t now = time(NULL);
	uint64_t bytes_in = 0;
	uint64_t bytes_out = 0;
	unsigned answers = 0;

	for (int i = 0; i < n; i++) {
		bytes_in += messages[i].msg_len;
		if (!answer(service, i, now))
			continue;
		bytes_out += parts[i].iov_len;
		messages[answers++] = messages[i];
	}
	send_answers(service, fd, answers);
	atomic_fetch_add_explicit(&board->datagrams, (uint64_t)n, memory_order_relaxed);
	atomic_fetch_add_explicit(&board->bytes_in, bytes_in, memory_order_relaxed);
	atomic_fetch_add_explicit(&board->bytes_out, bytes_out, memory_order_relaxed);
}

void datagram_on_ready(struct watch *watch)
{
	struct front_listener *listener = container_of(watch, struct front_listener, watch);

	if (!gate_is_open(listener))
		return;
	for (int i = 0; i < BATCHES_MAX; i++) {
		int n = receive(listener->listener);

		if (n < 0) {
			if (n != -EAGAIN && n != -EINTR)
				log_debug("service '%s': cannot receive a datagram: error %d",
					  listener->service->settings->name, -n);
			return;
		}
		answer_batch(listener->service, watch->fd, n);
		if (n < BATCH_MAX)
			return;
	}
}
