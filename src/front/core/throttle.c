#include "front/core/throttle.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/startup.h"
#include "front/core/context.h"
#include "front/core/service.h"
#include "front/core/uplink.h"

#define SHORTAGE_PAUSE_MIN_MS 50
#define SHORTAGE_PAUSE_MAX_MS 500
#define SHORTAGE_OVER_MS 1000 /* the shortage is over after this time without a failure */
#define OLDER_LOOK_MS 250
#define NS_OF_MS 1000000
#define SHUT_PAUSE_MIN_MS 1000
#define SHUT_PAUSE_MAX_MS 60000

static bool is_datagram(const struct front_listener *listener)
{
	return listener->listener->endpoint.type == SOCK_DGRAM;
}

void throttle_watch(struct front_listener *listener)
{
	const struct dispatch *dispatch = listener->service->dispatch;
	const struct context *context = listener->service->context;
	int r;

	list_unlink(&listener->link);
	if (listener->listener->fd < 0 || context->mode >= MODE_DRAINING ||
	    (dispatch->is_wanted && !dispatch->is_wanted(listener)))
		return;

	if (listener->watch.poller)
		r = watch_change(&listener->watch, WATCH_READ);
	else
		r = watch_add(&listener->watch, context->poller, listener->listener->fd, WATCH_READ,
			      is_datagram(listener) ? dispatch->on_datagram
						    : dispatch->on_connection);
	if (r < 0)
		log_service(LOG_ERR, listener->service->settings->name, r,
			    "cannot watch its socket");
}

void throttle_unwatch(struct front_listener *listener)
{
	list_unlink(&listener->link);
	if (listener->watch.poller)
		(void)watch_change(&listener->watch, 0);
}

static void pause_in(struct front_listener *listener, struct list *list)
{
	throttle_unwatch(listener);
	list_add_before(list, &listener->link);
}

static void look_again(struct timer *timer)
{
	throttle_resume_service(container_of(timer, struct front_service, again));
}

static void look_in(struct front_service *service, int64_t ms)
{
	(void)timer_set(&service->again, service->context->timers, clock_ms() + ms, look_again);
}

void throttle_look_again(struct front_service *service)
{
	int64_t wait_ns = service_counters(service).wait_ns;

	/* The token may be there by now. */
	look_in(service, wait_ns > 0 ? (wait_ns + NS_OF_MS - 1) / NS_OF_MS : 1);
}

void throttle_pause_full(struct front_listener *listener)
{
	struct front_service *service = listener->service;

	service_debug(service->settings, "holds clients of %s: %s",
		      listener->listener->endpoint.text, service_use(service));
	pause_in(listener, &service->paused);
	/* No message says when sessions of older fronts end, so look from time to time. */
	if (service_counters(service).older > 0)
		look_in(service, OLDER_LOOK_MS);
}

void throttle_hold(struct front_listener *listener)
{
	struct admission_counters counters = service_counters(listener->service);

	throttle_pause_full(listener);
	if (counters.wait_ns > 0 ||
	    admission_obstacle(listener->service->settings, &counters) == REFUSAL_NONE)
		throttle_look_again(listener->service);
}

bool throttle_lets_requests(const struct throttle *throttle)
{
	return throttle->context->mode == MODE_SERVING && !throttle->requests_paused &&
	       !uplink_is_blocked(throttle->context->uplink);
}

/* Why throttle_is_open() is false. */
static const char *reason_of(const struct throttle *throttle)
{
	if (throttle->context->mode != MODE_SERVING)
		return "another front is about to take over";
	if (throttle->in_shortage)
		return "descriptors or memory are short";
	if (throttle->requests_paused)
		return "the keeper cannot start programs now";
	return "the channel to the keeper is full";
}

bool throttle_is_open(struct front_listener *listener)
{
	struct throttle *throttle = listener->service->context->throttle;
	unsigned flags = listener->service->dispatch->flags;
	bool open = throttle->context->mode == MODE_SERVING;

	if (flags & DISPATCH_ASKS_KEEPER)
		open = throttle_lets_requests(throttle);
	/* Clients that need no descriptor are still taken. */
	if (throttle->in_shortage && flags & (is_datagram(listener) ? DISPATCH_DATAGRAM_TAKES_FD
								    : DISPATCH_CONNECTION_TAKES_FD))
		open = false;

	if (open)
		return true;
	service_debug(listener->service->settings, "holds clients of %s: %s",
		      listener->listener->endpoint.text, reason_of(throttle));
	pause_in(listener, &throttle->paused);
	return false;
}

static void resume(struct list *paused)
{
	list_for_each(at, following, paused)
		throttle_watch(container_of(at, struct front_listener, link));
}

void throttle_resume_service(struct front_service *service)
{
	if (service->dispatch->slot_returned)
		service->dispatch->slot_returned(service);
	if (!list_is_linked(&service->paused))
		return;
	service_debug(service->settings, "looks at its clients again: %s", service_use(service));
	resume(&service->paused);
}

void throttle_resume(struct throttle *throttle)
{
	list_for_each(at, following, &throttle->waiting) {
		struct front_service *service =
			container_of(at, struct front_service, waiting_link);

		service->dispatch->slot_returned(service);
	}
	resume(&throttle->paused);
}

void throttle_wait(struct front_service *service)
{
	if (!list_is_linked(&service->waiting_link))
		list_add_before(&service->context->throttle->waiting, &service->waiting_link);
}

void throttle_end_wait(struct front_service *service)
{
	list_unlink(&service->waiting_link);
}

void throttle_pause_requests(struct throttle *throttle, bool paused)
{
	log_debug("the keeper says: %s", paused ? "no requests now" : "requests again");
	throttle->requests_paused = paused;
	if (!paused)
		throttle_resume(throttle);
}

static void look_at_shut(struct timer *timer)
{
	struct throttle *throttle = container_of(timer, struct throttle, shut_timer);

	if (!list_is_linked(&throttle->shut))
		backoff_reset(&throttle->shut_pause);
	resume(&throttle->shut);
}

void throttle_on_shut(struct front_listener *listener)
{
	const struct context *context = listener->service->context;
	struct throttle *throttle = context->throttle;

	pause_in(listener, &throttle->shut);
	uplink_answer(context->uplink, CHANNEL_RUINED);
	if (!timer_is_set(&throttle->shut_timer))
		(void)timer_set(&throttle->shut_timer, context->timers,
				clock_ms() + backoff_next(&throttle->shut_pause, SHUT_PAUSE_MIN_MS,
							  SHUT_PAUSE_MAX_MS),
				look_at_shut);
}

void throttle_on_empty(struct front_listener *listener)
{
	struct pollfd found = { .fd = listener->listener->fd, .events = POLLRDHUP };

	if (poll(&found, 1, 0) > 0 && found.revents & (POLLHUP | POLLRDHUP))
		throttle_on_shut(listener);
}

static void end_shortage(struct timer *timer)
{
	struct throttle *throttle = container_of(timer, struct throttle, shortage_timer);

	backoff_reset(&throttle->shortage_pause);
	log_info("accepting clients again");
}

static void try_again(struct timer *timer)
{
	struct throttle *throttle = container_of(timer, struct throttle, shortage_timer);

	throttle->in_shortage = false;
	(void)timer_set(timer, throttle->context->timers, clock_ms() + SHORTAGE_OVER_MS,
			end_shortage);
	throttle_resume(throttle);
}

void throttle_on_shortage(struct throttle *throttle, int error)
{
	int64_t pause_ms;

	if (throttle->shortage_pause.pause_ms == 0)
		log_warning(error, "cannot accept clients, trying again until it works");
	pause_ms = backoff_next(&throttle->shortage_pause, SHORTAGE_PAUSE_MIN_MS,
				SHORTAGE_PAUSE_MAX_MS);
	log_debug("accepting no clients for %lld ms", (long long)pause_ms);
	throttle->in_shortage = timer_set(&throttle->shortage_timer, throttle->context->timers,
					  clock_ms() + pause_ms, try_again) == 0;
}

void throttle_init(struct throttle *throttle, const struct context *context)
{
	*throttle = (struct throttle){
		.context = context,
		.requests_paused = context->startup->hold,
	};
	list_init(&throttle->paused);
	list_init(&throttle->waiting);
	list_init(&throttle->shut);
}

void throttle_fini(struct throttle *throttle)
{
	timer_cancel(&throttle->shortage_timer);
	timer_cancel(&throttle->shut_timer);
}
