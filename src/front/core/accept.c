#include "front/core/accept.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "front/core/access.h"
#include "front/core/service.h"
#include "front/core/throttle.h"

#define BATCH_MAX 16 /* clients of one listener before others have their turn */

/* @first: as has_room(). */
static void on_accept_error(struct front_listener *listener, int error, bool first)
{
	switch (error) {
	case -EAGAIN:
		if (first)
			throttle_on_empty(listener);
		return;
	case -ECONNABORTED:
	case -EINTR:
		return;
	case -EINVAL:
		throttle_on_shut(listener);
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
	/* The client still waits in the queue, so to try again at once would spin. */
	throttle_on_shortage(listener->service->context->throttle, error);
}

/* Returns whether more clients may wait. @first: as has_room(). */
static bool accept_one(struct front_listener *listener, enum admission admission, bool first)
{
	struct front_service *service = listener->service;
	const struct dispatch *dispatch = service->dispatch;
	struct address peer;
	int fd;

	fd = listener_accept(listener->listener,
			     dispatch->flags & DISPATCH_NONBLOCKING ? SOCK_NONBLOCK : 0, &peer);
	if (fd < 0) {
		on_accept_error(listener, fd, first);
		return fd == -ECONNABORTED;
	}

	if (admission == ADMISSION_REFUSE) {
		close(fd);
		access_refuse_full(service, &peer);
		return true;
	}
	if (!access_allows(service, fd, &peer)) {
		close(fd);
		return true;
	}
	service_debug(service->settings, "admits %s: %s", service_client(service, &peer),
		      service_use(service));
	(void)service_take_token(service);
	atomic_fetch_add_explicit(&service->stats->accepted, 1, memory_order_relaxed);
	dispatch->admitted(listener, fd, &peer);
	return true;
}

/* @first: the listener is ready, so a client certainly waits. */
static bool has_room(struct front_listener *listener, bool first)
{
	const struct dispatch *dispatch = listener->service->dispatch;

	if (!dispatch->has_room || dispatch->has_room(listener))
		return true;
	if (!first)
		return false;
	service_debug(listener->service->settings,
		      "leaves clients of %s in the queue: no process has room; %s",
		      listener->listener->endpoint.text, service_use(listener->service));
	dispatch->wait_for_room(listener);
	return false;
}

void accept_on_ready(struct watch *watch)
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
		if (admission == ADMISSION_ADMIT && !has_room(listener, i == 0))
			return;
		if (!accept_one(listener, admission, i == 0))
			return;
	}
}
