#include "front/core/accept.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/core/client-log.h"
#include "front/core/throttle.h"
#include "front/pass/pass.h"
#include "front/core/uplink.h"
#include "front/state.h"

#define BATCH_MAX 16 /* clients of one listener before others have their turn */
#define ELDERS_LOOK_MS 250

static uint64_t older_sessions(const struct startup *startup, unsigned stats_index)
{
	uint64_t sessions = 0;

	for (size_t i = 0; i < startup->n_older; i++)
		sessions += atomic_load_explicit(&startup->older[i]->sessions[stats_index],
						 memory_order_relaxed);
	return sessions;
}

struct admission_counters accept_counters(const struct front_service *service)
{
	const struct startup *startup = service->front->startup;
	unsigned stats_index = startup->stats_indices[service->settings->index];

	if (front_is_program(service))
		return (struct admission_counters){ .children = service->live };
	return (struct admission_counters){
		.sessions = atomic_load_explicit(&startup->session_counts->sessions[stats_index],
						 memory_order_relaxed),
		.older = older_sessions(startup, stats_index),
	};
}

static void look_again(struct timer *timer)
{
	throttle_release_service(container_of(timer, struct front_service, older));
}

/* Looks from time to time whether their sessions have ended: nobody tells. */
static void watch_older(struct front_service *service)
{
	struct front *front = service->front;

	if (accept_counters(service).older > 0)
		(void)timer_set(&service->older, front->timers, clock_ms() + ELDERS_LOOK_MS,
				look_again);
}

static void set_options(const struct front_listener *listener, int fd)
{
	const struct socket_settings *socket = &listener->service->settings->socket;
	const int on = 1;

	if (address_is_unix(&listener->listener->endpoint.address))
		return;
	/* All only make things better: a client is not lost for them. */
	if (socket->nodelay)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (socket->keepalive)
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	/* RFC 862: whatever was sent comes back. */
	if (listener->service->settings->builtin == BUILTIN_ECHO)
		(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

static void serve(struct front_listener *listener, int fd, const struct address *peer)
{
	struct front_service *service = listener->service;
	struct front *front = service->front;
	unsigned stats_index = front->startup->stats_indices[service->settings->index];
	int r;

	log_accepted(service->settings, peer);
	atomic_fetch_add_explicit(&front->startup->session_counts->sessions[stats_index], 1,
				  memory_order_relaxed);
	r = session_start(&front->sessions, service->settings, fd, peer);
	if (r < 0) {
		atomic_fetch_sub_explicit(&front->startup->session_counts->sessions[stats_index], 1,
					  memory_order_relaxed);
		log_lost(service->settings, peer, r, "no session");
		/* The next one waits in the queue. */
		throttle_starve(front, r);
	}
}

static void ask_for_program(struct front_listener *listener, int fd, const struct address *peer)
{
	struct front_service *service = listener->service;
	struct channel_message message = {
		.type = CHANNEL_SPAWN,
		.request.service = (uint32_t)service->settings->index,
		.request.endpoint = listener->number,
		.request.peer = *peer,
	};

	service->live++;
	uplink_send(service->front, &message, fd);
}

static void refuse(struct front_service *service, int fd, const struct address *peer)
{
	struct admission_counters counters = accept_counters(service);

	close(fd);
	atomic_fetch_add_explicit(&front_stats(service)->refused, 1, memory_order_relaxed);
	log_refused(service->settings, peer, admission_used(&counters));
}

static void on_accept_error(struct front_listener *listener, int error)
{
	switch (error) {
	case -EAGAIN:
	case -ECONNABORTED:
	case -EINTR:
		return;
	case -EINVAL:
		/* Withdrawn by the keeper, whose order is on its way. */
		throttle_unwatch(listener);
		return;
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
		break;
	default:
		log_service(LOG_WARNING, listener->service->settings->name, error,
			    "cannot accept a client");
	}
	/* The client still waits in the queue: trying at once would spin. */
	throttle_starve(listener->service->front, error);
}

/* Returns whether there may be more clients to take now. */
static bool accept_one(struct front_listener *listener, enum admission admission)
{
	struct front_service *service = listener->service;
	bool session = service->settings->dispatch == DISPATCH_SESSION;
	struct address peer;
	int fd;

	fd = listener_accept(listener->listener, session ? SOCK_NONBLOCK : 0, &peer);
	if (fd < 0) {
		on_accept_error(listener, fd);
		return fd == -ECONNABORTED;
	}

	if (admission == ADMISSION_REFUSE) {
		refuse(service, fd, &peer);
		return true;
	}
	atomic_fetch_add_explicit(&front_stats(service)->accepted, 1, memory_order_relaxed);
	set_options(listener, fd);
	if (session)
		serve(listener, fd, &peer);
	else if (service->pool)
		pass_client(listener, fd, &peer);
	else
		ask_for_program(listener, fd, &peer);
	return true;
}

void accept_on_ready(struct watch *watch)
{
	struct front_listener *listener = container_of(watch, struct front_listener, watch);
	struct front_service *service = listener->service;

	for (int i = 0; i < BATCH_MAX; i++) {
		struct admission_counters counters = accept_counters(service);
		enum admission admission = admission_decide(service->settings, &counters);

		if (!throttle_is_open(listener))
			return;
		if (admission == ADMISSION_HOLD) {
			throttle_park_full(listener);
			watch_older(service);
			return;
		}
		if (admission == ADMISSION_ADMIT && service->pool && !pass_has_room(service)) {
			/* Whether there is anybody behind the last one is not known. */
			if (i == 0)
				pass_wait_for_room(listener);
			return;
		}
		if (!accept_one(listener, admission))
			return;
	}
}
