#include "front/program/spawn-datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "channel/channel.h"
#include "front/core/client-log.h"
#include "front/core/throttle.h"
#include "front/datagram/queue-drops.h"
#include "front/datagram/packet.h"
#include "front/program/datagram-queue.h"
#include "front/core/uplink.h"
#include "front/state.h"

#define BATCH_MAX 16    /* datagrams of one listener before others have their turn */
#define UNREAD_MAX 1024 /* datagrams that are read from the socket of one program */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static char data[CHANNEL_DATAGRAM_MAX];

static void drop(struct front_service *service, const struct address *peer, int error,
		 const char *why)
{
	atomic_fetch_add_explicit(&service->stats->dropped, 1, memory_order_relaxed);
	log_lost(service->settings, peer, error, why);
}

static int get_memfd(struct front *front)
{
	if (front->spare_memfd < 0)
		front->spare_memfd = memfd_create("datagram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return front->spare_memfd < 0 ? -errno : 0;
}

/* Writes the datagram to a file that was made before it was received, so that it cannot be lost. */
static int fill_memfd(struct front *front, const struct packet *packet, int *out_fd)
{
	AUTO(auto_close) int fd = -1;
	int r;

	r = get_memfd(front);
	if (r < 0)
		return r;
	fd = take_fd(front->spare_memfd);
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

	r = fill_memfd(service->front, packet, &fd);
	if (r < 0) {
		drop(service, &packet->peer, r, "cannot keep its datagram");
		return;
	}
	atomic_fetch_add_explicit(&service->stats->datagrams, 1, memory_order_relaxed);
	service->children++;
	uplink_send(service->context->uplink, &message, fd);
}

/* A sender without a name or port cannot be connected to. */
static bool has_return_address(const struct packet *packet)
{
	if (address_is_unix(&packet->peer))
		return packet->peer.length > sizeof(sa_family_t);
	return packet->peer.length > 0 && address_port(&packet->peer) != 0;
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
		queue_drops_look(listener->service, listener->counted_drops, &header);
	packet->peer.length = header.msg_namelen;
	address_unmap(&packet->peer);
	packet_local(&header, &packet->local);
	packet->bytes = data;
	packet->n = (size_t)n;
	return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : 0;
}

/* Returns whether there may be more to receive now. */
static bool receive_one(struct front_listener *listener, enum admission admission)
{
	struct front_service *service = listener->service;
	struct packet packet = { .endpoint = listener->number };
	int r;

	r = get_memfd(service->front);
	if (r < 0) {
		throttle_starve(service->context->throttle, r);
		return false;
	}
	(void)listener_address(listener->listener, &packet.local);
	r = receive(listener, listener->watch.fd, &packet);
	if (r < 0 && r != -EMSGSIZE)
		return false;

	if (r < 0)
		drop(service, &packet.peer, r, "its datagram is too long");
	else if (!has_return_address(&packet))
		drop(service, &packet.peer, 0, "it has no address to answer");
	else if (admission == ADMISSION_REFUSE)
		service_refuse(service, &packet.peer);
	else
		ask_for_program(service, &packet);
	return true;
}

void datagram_spawn_on_ready(struct watch *watch)
{
	struct front_listener *listener = container_of(watch, struct front_listener, watch);

	for (int i = 0; i < BATCH_MAX; i++) {
		enum admission admission = service_admission(listener->service);

		if (!throttle_is_open(listener))
			return;
		if (admission == ADMISSION_HOLD) {
			throttle_park_full(listener);
			return;
		}
		if (!receive_one(listener, admission))
			return;
	}
}

void datagram_spawn_pending(struct front_service *service)
{
	while (service->pending && throttle_lets_requests(service->context->throttle) &&
	       service_admission(service) == ADMISSION_ADMIT) {
		AUTO(auto_free) struct packet *packet = pending_pop(service);

		ask_for_program(service, packet);
	}
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

void datagram_spawn_unread(struct front_listener *listener, const struct channel_message *message,
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
		if (r < 0 || !has_return_address(&packet) || pending_push(service, &packet) < 0)
			dropped++;
		datagram_spawn_pending(service);
	}
	drop_unread(service, &peer, dropped);
	close(fd);
}

static void abandon(struct front_service *service)
{
	unsigned n = 0;

	while (service->pending) {
		free(pending_pop(service));
		n++;
	}
	atomic_fetch_add_explicit(&service->stats->dropped, n, memory_order_relaxed);
	log_service(LOG_WARNING, service->settings->name, 0,
		    "lost %u datagrams that waited when the front ended", n);
}

void datagram_spawn_abandon(struct front *front)
{
	list_for_each(at, following, &front->pending)
		abandon(container_of(at, struct front_service, pending_link));
	if (front->spare_memfd >= 0)
		close(take_fd(front->spare_memfd));
}
