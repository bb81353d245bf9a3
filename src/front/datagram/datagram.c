#include "front/datagram/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "front/core/access.h"
#include "front/core/service.h"
#include "front/datagram/packet.h"
#include "front/datagram/queue-drops.h"
#include "front/datagram/reflection-guard.h"
#include "front/session/builtin.h"

#define BATCH_MAX 32
#define BATCHES_MAX 4              /* a turn */
#define DATAGRAM_SIZE (256 * 1024) /* a Unix datagram may be longer than UDP's */

/* Takes memory only as it is used: one datagram needs few pages. */
struct datagram_room {
	char data[BATCH_MAX][DATAGRAM_SIZE];
	struct sockaddr_storage names[BATCH_MAX];
	struct exchange exchanges[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	struct mmsghdr messages[BATCH_MAX];
	union {
		char bytes[PACKET_CONTROL_SIZE];
		struct cmsghdr align;
	} controls[BATCH_MAX];
};

static struct datagram_room main_room;

struct datagram_room *datagram_room_new(void)
{
	return calloc(1, sizeof(struct datagram_room));
}

void datagram_room_free(struct datagram_room *room)
{
	free(room);
}

void datagram_socket_init(struct datagram_socket *socket, const struct front_listener *listener,
			  int fd, const struct reflection_guard *guard, struct service_drops *drops)
{
	const struct address *address = &listener->listener->endpoint.address;

	*socket = (struct datagram_socket){
		.service = listener->service,
		.guard = guard,
		.drops = drops,
		.drops_counted = socket_drops(fd),
		.fd = fd,
		.is_wildcard = address_is_wildcard(address),
		.is_unix = address_is_unix(address),
	};
}

/*
 * Whether to receive control messages with datagram @i. On a wildcard address each one says which
 * address the datagram was sent to. Otherwise they only have the count of dropped datagrams, and
 * the first one is enough. On a Unix socket there is no room for them, so the kernel closes
 * descriptors that a sender adds.
 */
static bool wants_control(const struct datagram_socket *socket, int i)
{
	return socket->is_wildcard || (i == 0 && !socket->is_unix);
}

static int receive(const struct datagram_socket *socket, struct datagram_room *room)
{
	int n;

	for (int i = 0; i < BATCH_MAX; i++) {
		bool control = wants_control(socket, i);

		room->parts[i] =
			(struct iovec){ .iov_base = room->data[i], .iov_len = DATAGRAM_SIZE };
		room->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &room->names[i],
			.msg_namelen = sizeof(room->names[i]),
			.msg_iov = &room->parts[i],
			.msg_iovlen = 1,
			.msg_control = control ? &room->controls[i] : NULL,
			.msg_controllen = control ? sizeof(room->controls[i]) : 0,
		};
	}
	n = recvmmsg(socket->fd, room->messages, BATCH_MAX, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}

static bool may_answer(const struct datagram_socket *socket, const struct msghdr *header)
{
	if (socket->is_second && packet_is_to_many(header))
		return false;
	return !(header->msg_flags & MSG_TRUNC) &&
	       reflection_guard_judge(socket->guard, header->msg_name, header->msg_namelen) ==
		       REFLECTION_NO_RISK;
}

static bool lets_in(const struct datagram_socket *socket, const struct msghdr *header)
{
	const struct service *settings = socket->service->settings;
	struct address peer = { .length = header->msg_namelen };

	if (admission_is_open(settings) && settings->cps.interval_ns == 0)
		return true;
	/* The kernel counts a terminator for which a path of full length leaves no room. */
	if (peer.length > sizeof(peer.un))
		peer.length = sizeof(peer.un);
	memcpy(&peer.un, header->msg_name, peer.length);
	return access_allows_quietly(socket->service, &peer);
}

static void drop(const struct datagram_socket *socket, unsigned n)
{
	if (n > 0)
		atomic_fetch_add_explicit(&socket->service->stats->dropped, n,
					  memory_order_relaxed);
}

/* Turns message @i into its answer. Returns false if there is none. */
static bool answer(const struct datagram_socket *socket, struct datagram_room *room, int i,
		   time_t now)
{
	const struct service *settings = socket->service->settings;
	struct msghdr *header = &room->messages[i].msg_hdr;
	struct exchange *x = &room->exchanges[i];

	if (!may_answer(socket, header)) {
		drop(socket, 1);
		return false;
	}
	if (!lets_in(socket, header))
		return false;

	x->in = room->data[i];
	x->n_in = room->messages[i].msg_len;
	x->now = now;
	x->amplify = settings->amplify;
	if (x->amplify)
		x->random = (uint32_t)random();
	builtin_find(settings->builtin)->answer_datagram(x);
	if (builtin_has(settings->builtin, BUILTIN_SILENT))
		return false;

	room->parts[i] = (struct iovec){ .iov_base = (char *)x->out, .iov_len = x->n_out };
	header->msg_flags = 0;
	if (!socket->is_wildcard) {
		header->msg_control = NULL;
		header->msg_controllen = 0;
	} else if (header->msg_control) {
		packet_make_reply(header);
	}
	return true;
}

/* An answer that cannot be sent is dropped, and the next ones are sent. */
static void send_answers(const struct datagram_socket *socket, struct datagram_room *room,
			 unsigned n)
{
	unsigned sent = 0;
	unsigned dropped = 0;

	while (sent < n) {
		int r = sendmmsg(socket->fd, room->messages + sent, n - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r <= 0)
			dropped++;
		sent += r > 0 ? (unsigned)r : 1;
	}
	drop(socket, dropped);
}

/* A datagram comes with the count of drops before it, so the last one has the newest count. */
static void look_for_drops(struct datagram_socket *socket, const struct datagram_room *room, int n)
{
	const struct mmsghdr *last = &room->messages[socket->is_wildcard ? n - 1 : 0];

	queue_drops_look(socket->drops, &socket->drops_counted, &last->msg_hdr);
}

static void answer_batch(struct datagram_socket *socket, struct datagram_room *room, int n)
{
	struct service_stats *stats = socket->service->stats;
	time_t now = time(NULL);
	uint64_t bytes_in = 0;
	uint64_t bytes_out = 0;
	unsigned answers = 0;

	for (int i = 0; i < n; i++) {
		bytes_in += room->messages[i].msg_len;
		if (!answer(socket, room, i, now))
			continue;
		bytes_out += room->parts[i].iov_len;
		room->messages[answers++] = room->messages[i];
	}
	send_answers(socket, room, answers);
	atomic_fetch_add_explicit(&stats->datagrams, (uint64_t)n, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_in, bytes_in, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_out, bytes_out, memory_order_relaxed);
}

int datagram_serve(struct datagram_socket *socket, struct datagram_room *room)
{
	if (!room)
		room = &main_room;
	for (int i = 0; i < BATCHES_MAX; i++) {
		int n = receive(socket, room);

		if (n == -EINTR || (n == -EAGAIN && i > 0))
			return 0;
		if (n < 0)
			return n;
		look_for_drops(socket, room, n);
		answer_batch(socket, room, n);
		if (n < BATCH_MAX)
			return 0;
	}
	return 0;
}
