#include "front/program/spawn-datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/channel.h"
#include "front/core/access.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"
#include "front/datagram/packet.h"
#include "front/datagram/reflection-guard.h"

#define BATCH_MAX 16     /* datagrams of one listener before others have their turn */
#define UNREAD_MAX 1024  /* datagrams that are read from the socket of one program */
#define INTERVAL_MS 1000 /* between two lines about datagrams that get no answer */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static char data[CHANNEL_DATAGRAM_MAX];

static void drop(struct front_service *service, const struct address *peer, int error,
		 const char *why)
{
	atomic_fetch_add_explicit(&service->stats->dropped, 1, memory_order_relaxed);
	log_lost(service->settings, peer, error, why);
}

static int get_memfd(struct spawner *spawner)
{
	if (spawner->spare_memfd < 0)
		spawner->spare_memfd = memfd_create("datagram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return spawner->spare_memfd < 0 ? -errno : 0;
}

/* Writes the datagram to a file that was made before it was received, so that it cannot be lost. */
static int fill_memfd(struct spawner *spawner, const struct packet *packet, int *out_fd)
{
	AUTO(auto_close) int fd = -1;
	int r;

	r = get_memfd(spawner);
	if (r < 0)
		return r;
	fd = take_fd(spawner->spare_memfd);
	if (pwrite(fd, packet->bytes, packet->n, 0) != (ssize_t)packet->n)
		return -ENOMEM;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	*out_fd = take_fd(fd);
	return 0;
}

static void ask_for_program(struct front_service *service, const struct packet *packet)
{
	struct channel_message message = {
		.type = CHANNEL_DATAGRAM,
		.request.service = (uint32_t)service->settings->index,
		.request.endpoint = packet->endpoint,
		.request.peer = packet->peer,
		.request.local = packet->local,
	};
	int fd = -1;
	int r;

	r = fill_memfd(service->owner, packet, &fd);
	if (r < 0) {
		drop(service, &packet->peer, r, "cannot keep its datagram");
		return;
	}
	atomic_fetch_add_explicit(&service->stats->datagrams, 1, memory_order_relaxed);
	(void)service_take_token(service);
	service->children++;
	uplink_send(service->context->uplink, &message, fd);
}

/* Says no more than one of many, since whoever forges senders could fill the log. */
static void log_reflection(struct front_service *service, const struct address *peer,
			   const char *why)
{
	struct spawn_datagrams *datagrams = service->data;
	int64_t now = clock_ms();
	char text[160];

	if (datagrams->reflection_said_ms && now - datagrams->reflection_said_ms < INTERVAL_MS) {
		datagrams->reflections_unlogged++;
		return;
	}
	snprintf(text, sizeof(text), "%s", why);
	if (datagrams->reflections_unlogged > 0)
		snprintf(text, sizeof(text), "%s; so with %u others before it", why,
			 datagrams->reflections_unlogged);
	log_lost(service->settings, peer, 0, text);
	datagrams->reflection_said_ms = now;
	datagrams->reflections_unlogged = 0;
}

/* Whether a program may answer the sender. Logs and counts the datagram otherwise. */
static bool may_answer(struct front_service *service, const struct address *peer)
{
	static const char *const reasons[] = {
		[REFLECTION_LOW_PORT] = "servers have such a port, and would answer in their turn; "
					"see 'reflection_guard'",
		[REFLECTION_OWN] = "superd itself receives there, and would answer in its turn",
		[REFLECTION_NOBODY] = "its address is not one that can be answered",
	};
	const struct spawner *spawner = service->owner;
	enum reflection_risk risk =
		reflection_guard_judge(spawner->guard, &peer->any, peer->length);

	if (risk == REFLECTION_NO_RISK ||
	    (risk == REFLECTION_LOW_PORT && service->settings->reflection == REFLECTION_GUARD_OWN))
		return true;
	atomic_fetch_add_explicit(&service->stats->dropped, 1, memory_order_relaxed);
	log_reflection(service, peer, reasons[risk]);
	return false;
}

static uint32_t *drops_counted(const struct front_listener *listener)
{
	struct spawn_datagrams *datagrams = listener->service->data;

	return &datagrams->drops_counted[listener - listener->service->listeners];
}

static void look_for_drops(const struct front_listener *listener, const struct msghdr *received)
{
	struct spawn_datagrams *datagrams = listener->service->data;

	queue_drops_look(&datagrams->drops, drops_counted(listener), received);
}

/*
 * Receives a datagram into @data. Returns 0 or a negative errno. @listener is NULL for a socket
 * that does not belong to a listener; @packet then has its local address already.
 */
static int receive(struct front_listener *listener, int fd, struct packet *packet)
{
	union {
		char bytes[PACKET_CONTROL_SIZE];
		struct cmsghdr align;
	} control;
	struct iovec part = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr header = {
		.msg_name = &packet->peer.any,
		.msg_namelen = sizeof(packet->peer.un),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t n;

	/* Without room for control messages the kernel closes descriptors that a Unix sender adds.
	 */
	if (listener && !address_is_unix(&listener->listener->endpoint.address)) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
	}

	n = recvmsg(fd, &header, MSG_DONTWAIT);
	if (n < 0)
		return -errno;

	if (listener)
		look_for_drops(listener, &header);
	packet->peer.length = header.msg_namelen;
	address_unmap(&packet->peer);
	packet_local(&header, &packet->local);
	packet->bytes = data;
	packet->n = (size_t)n;
	return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : 0;
}

static void admit(struct front_service *service, const struct packet *packet)
{
	service_debug(service->settings, "admits a datagram of %s: %s",
		      service_client(service, &packet->peer), service_use(service));
	ask_for_program(service, packet);
}

/* Returns whether there may be more to receive now. @first: the listener is ready. */
static bool receive_one(struct front_listener *listener, enum admission admission, bool first)
{
	struct front_service *service = listener->service;
	struct packet packet = { .endpoint = listener->number };
	int r;

	r = get_memfd(service->owner);
	if (r < 0) {
		throttle_on_shortage(service->context->throttle, r);
		return false;
	}
	(void)listener_address(listener->listener, &packet.local);
	r = receive(listener, listener->watch.fd, &packet);
	if (r == -EAGAIN && first)
		throttle_on_empty(listener);
	if (r < 0 && r != -EMSGSIZE)
		return false;

	if (r < 0)
		drop(service, &packet.peer, r, "its datagram is too long");
	else if (!may_answer(service, &packet.peer))
		return true;
	else if (admission == ADMISSION_REFUSE)
		access_refuse_full(service, &packet.peer);
	else if (access_allows(service, -1, &packet.peer))
		admit(service, &packet);
	return true;
}

void spawn_datagram_on_ready(struct watch *watch)
{
	struct front_listener *listener = container_of(watch, struct front_listener, watch);

	for (int i = 0; i < BATCH_MAX; i++) {
		enum admission admission = service_admission(listener->service);

		if (!throttle_is_open(listener))
			return;
		if (admission == ADMISSION_HOLD) {
			throttle_hold(listener);
			return;
		}
		if (!receive_one(listener, admission, i == 0))
			return;
	}
}

void spawn_datagram_slot_returned(struct front_service *service)
{
	struct spawn_datagrams *datagrams = service->data;

	while (datagrams->queue.n > 0 && throttle_lets_requests(service->context->throttle) &&
	       service_admission(service) == ADMISSION_ADMIT) {
		AUTO(auto_free) struct packet *packet = datagram_queue_pop(&datagrams->queue);

		ask_for_program(service, packet);
	}
	if (datagrams->queue.n == 0)
		throttle_end_wait(service);
	else if (service_counters(service).wait_ns > 0)
		throttle_look_again(service);
}

static int push(struct front_service *service, const struct packet *packet)
{
	struct spawn_datagrams *datagrams = service->data;
	int r;

	r = datagram_queue_push(&datagrams->queue, packet);
	if (r == 0)
		throttle_wait(service);
	return r;
}

/* Logs one line for all datagrams of one socket. */
static void drop_unread(struct front_service *service, const struct address *peer, unsigned n)
{
	char why[64];

	if (n == 0)
		return;
	atomic_fetch_add_explicit(&service->stats->dropped, n, memory_order_relaxed);
	snprintf(why, sizeof(why), "there is no room for %u of its datagrams", n);
	log_lost(service->settings, peer, 0, why);
}

void spawn_datagram_unread(struct front_listener *listener, const struct channel_message *message,
			   int fd)
{
	struct front_service *service = listener->service;
	struct address peer = { 0 };
	unsigned dropped = 0;

	for (int i = 0; i < UNREAD_MAX; i++) {
		struct packet packet = { .endpoint = listener->number,
					 .local = message->unread.local };
		int r;

		r = receive(NULL, fd, &packet);
		if (r == -ECONNREFUSED) /* an earlier answer of the program was refused */
			continue;
		if (r < 0 && r != -EMSGSIZE)
			break;
		peer = packet.peer;
		if (r == 0 && !may_answer(service, &packet.peer))
			continue;
		if (r < 0 || push(service, &packet) < 0)
			dropped++;
		spawn_datagram_slot_returned(service);
	}
	drop_unread(service, &peer, dropped);
	close(fd);
}

void spawn_datagram_drain(struct front_service *service, bool has_successor)
{
	struct spawn_datagrams *datagrams = service->data;
	unsigned n = datagrams->queue.n;

	service_drops_log_rest(&datagrams->drops);
	throttle_end_wait(service);
	while (datagrams->queue.n > 0)
		free(datagram_queue_pop(&datagrams->queue));
	if (n == 0)
		return;
	atomic_fetch_add_explicit(&service->stats->dropped, n, memory_order_relaxed);
	log_service(LOG_WARNING, service->settings->name, 0,
		    "lost %u datagrams that waited when the front ended", n);
}

int spawn_datagram_prepare_service(struct front_service *service)
{
	struct spawner *spawner = service->owner;
	struct spawn_datagrams *datagrams;

	datagrams = calloc(1, sizeof(*datagrams) + service->settings->n_endpoints *
							   sizeof(datagrams->drops_counted[0]));
	if (!datagrams)
		return -ENOMEM;
	service_drops_init(&datagrams->drops, spawner->drops, service);
	service->data = datagrams;
	return 0;
}

int spawn_datagram_prepare(struct front_listener *listener)
{
	const struct listener *socket = listener->listener;

	if (socket->endpoint.type == SOCK_DGRAM && socket->fd >= 0)
		*drops_counted(listener) = socket_drops(socket->fd);
	return 0;
}

void spawn_datagram_forget_service(struct front_service *service)
{
	struct spawn_datagrams *datagrams = service->data;

	if (!datagrams)
		return;
	spawn_datagram_drain(service, false);
	service_drops_fini(&datagrams->drops);
	free(take_ptr(service->data));
}

void spawner_init(struct spawner *spawner, struct queue_drops *drops,
		  const struct reflection_guard *guard)
{
	*spawner = (struct spawner){ .drops = drops, .guard = guard, .spare_memfd = -1 };
}

void spawner_fini(struct spawner *spawner)
{
	if (spawner->spare_memfd >= 0)
		close(take_fd(spawner->spare_memfd));
}
