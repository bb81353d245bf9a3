#include "front/program/wait.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "front/core/access.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"
#include "front/program/wait-retry.h"

#define HEAD_SIZE 64 /* of a datagram, for its fingerprint */

/* Has the time of arrival, because a client may send the same datagram again. */
struct head {
	struct timespec arrived;
	char bytes[HEAD_SIZE];
};

struct wait_state {
	struct wait_retry retry;
	struct timer pause;
	struct front_listener *listener;
};

static int prepare(struct front_listener *listener)
{
	struct wait_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	state->listener = listener;
	listener->data = state;
	return 0;
}

static void end_wait(struct front_listener *listener)
{
	struct wait_state *state = listener->data;

	if (state)
		timer_cancel(&state->pause);
}

static void forget(struct front_listener *listener)
{
	end_wait(listener);
	free(take_ptr(listener->data));
}

static bool is_datagram(const struct front_listener *listener)
{
	return listener->listener->endpoint.type == SOCK_DGRAM;
}

/* Set only during a look, so that the program finds the socket unchanged. */
static void set_timestamps(const struct front_listener *listener, int on)
{
	(void)setsockopt(listener->listener->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

static struct timespec arrival(struct msghdr *header)
{
	struct timespec at = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&at, CMSG_DATA(c), sizeof(at));
	return at;
}

/* Returns the fingerprint of the first datagram, or 0. Without MSG_PEEK in @flags, removes it. */
static uint64_t look(const struct front_listener *listener, int flags, struct address *out_source)
{
	/* Only the time fits, so the kernel closes descriptors that a Unix sender adds. */
	union {
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control;
	struct head head = { 0 };
	struct iovec part = { .iov_base = head.bytes, .iov_len = sizeof(head.bytes) };
	struct msghdr header = {
		.msg_name = &out_source->any,
		.msg_namelen = sizeof(out_source->un),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	set_timestamps(listener, 1);
	n = recvmsg(listener->listener->fd, &header, MSG_DONTWAIT | MSG_TRUNC | flags);
	set_timestamps(listener, 0);
	if (n < 0)
		return 0;
	out_source->length = header.msg_namelen;
	head.arrived = arrival(&header);
	return wait_retry_fingerprint(&out_source->any, out_source->length, &head, sizeof(head),
				      (size_t)n);
}

static void drop_datagram(struct front_listener *listener)
{
	struct address source = { 0 };

	if (look(listener, 0, &source) == 0)
		return;
	atomic_fetch_add_explicit(&listener->service->stats->dropped, 1, memory_order_relaxed);
	log_unread(listener->service->settings, &source);
}

static void end_pause(struct timer *timer)
{
	throttle_watch(container_of(timer, struct wait_state, pause)->listener);
}

static void log_pause(const struct front_listener *listener)
{
	const struct wait_state *state = listener->data;

	log_service(LOG_WARNING, listener->service->settings->name, 0,
		    "its program makes no progress, pausing for %" PRId64 " s",
		    state->retry.pause.pause_ms / 1000);
}

static void pause_start(struct front_listener *listener, int64_t pause_ms)
{
	struct timers *timers = listener->service->context->timers;
	struct wait_state *state = listener->data;

	service_debug(listener->service->settings, "does not look at %s for %lld ms",
		      listener->listener->endpoint.text, (long long)pause_ms);
	if (timer_set(&state->pause, timers, clock_ms() + pause_ms, end_pause) < 0)
		throttle_watch(listener);
}

static bool lets_in(const struct front_listener *listener, struct address *source)
{
	address_unmap(source);
	return access_allows(listener->service, -1, source);
}

static void on_ready(struct watch *watch)
{
	struct front_listener *listener = container_of(watch, struct front_listener, watch);
	struct wait_state *state = listener->data;
	struct channel_message message = {
		.type = CHANNEL_WAIT,
		.request.service = (uint32_t)listener->service->settings->index,
		.request.endpoint = listener->number,
	};
	struct address source = { 0 };

	if (!throttle_is_open(listener))
		return;
	if (service_counters(listener->service).wait_ns > 0) {
		throttle_hold(listener);
		return;
	}
	if (is_datagram(listener)) {
		uint64_t fingerprint = look(listener, MSG_PEEK, &source);

		if (fingerprint == 0) {
			throttle_on_empty(listener);
			return;
		}
		/* The program gets all that follow. */
		if (!lets_in(listener, &source)) {
			(void)look(listener, 0, &source);
			return;
		}
		wait_retry_start(&state->retry, fingerprint);
	}
	service_debug(listener->service->settings, "a client of %s came; asks for the program",
		      listener->listener->endpoint.text);
	(void)service_take_token(listener->service);
	throttle_unwatch(listener);
	uplink_send(listener->service->context->uplink, &message, -1);
}

/* How many clients wait. For other sockets than TCP: 1 if any waits. */
static unsigned count_waiting(const struct front_listener *listener)
{
	struct pollfd waiting = { .fd = listener->listener->fd, .events = POLLIN };
	struct tcp_info info;
	socklen_t size = sizeof(info);

	if (getsockopt(waiting.fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		return info.tcpi_unacked;
	return poll(&waiting, 1, 0) > 0;
}

static enum wait_retry_verdict judge(struct front_listener *listener,
				     const struct channel_message *message)
{
	struct wait_state *state = listener->data;
	struct address source = { 0 };

	if (is_datagram(listener))
		return wait_retry_judge_datagram(&state->retry, look(listener, MSG_PEEK, &source));
	return wait_retry_judge_stream(&state->retry, message->released.status != 0,
				       message->released.lived_ms, count_waiting(listener));
}

static void released(struct front_listener *listener, const struct channel_message *message)
{
	const struct wait_state *state = listener->data;

	if (listener->listener->fd < 0)
		return;

	switch (judge(listener, message)) {
	case WAIT_RETRY_FINE:
	case WAIT_RETRY_AGAIN:
		throttle_watch(listener);
		break;
	case WAIT_RETRY_DROP:
		drop_datagram(listener);
		log_pause(listener);
		pause_start(listener, state->retry.pause.pause_ms);
		break;
	case WAIT_RETRY_PAUSE:
		log_pause(listener);
		pause_start(listener, state->retry.pause.pause_ms);
		break;
	case WAIT_RETRY_REST:
		pause_start(listener, state->retry.rest.pause_ms);
		break;
	}
}

static void request_lost(struct front_service *service, const struct channel_message *message,
			 int error)
{
	if (message->type == CHANNEL_WAIT)
		log_service(LOG_WARNING, service->settings->name, error,
			    "cannot ask for its program");
}

const struct dispatch wait_dispatch = {
	.flags = DISPATCH_ASKS_KEEPER,
	.prepare = prepare,
	.close = end_wait,
	.forget = forget,
	.on_connection = on_ready,
	.on_datagram = on_ready,
	.request_lost = request_lost,
	.released = released,
};
