#include "front/core/throttle.h"

#include "base/clock.h"
#include "base/log.h"
#include "front/core/accept.h"
#include "front/program/spawn-datagram.h"
#include "front/datagram/datagram.h"
#include "front/program/pool.h"
#include "front/state.h"
#include "front/program/wait.h"

#define STARVED_PAUSE_MIN_MS 50
#define STARVED_PAUSE_MAX_MS 500
#define FED_AFTER_MS 1000 /* so long without a failure means that the shortage is over */

static watch_fn *choose(const struct front_listener *listener)
{
	bool datagram = listener->listener->endpoint.type == SOCK_DGRAM;

	switch (listener->service->settings->dispatch) {
	case DISPATCH_WAIT:
		return wait_on_ready;
	case DISPATCH_POOL:
		return pool_on_ready;
	case DISPATCH_SPAWN:
		return datagram ? datagram_spawn_on_ready : accept_on_ready;
	default:
		return datagram ? datagram_on_ready : accept_on_ready;
	}
}

void throttle_watch(struct front_listener *listener)
{
	struct front *front = listener->service->front;
	int fd = listener->listener->fd;
	int r;

	list_unlink(&listener->link);
	if (fd < 0 || front->draining || !pool_is_watched(listener))
		return;

	if (listener->watch.poller)
		r = watch_change(&listener->watch, WATCH_READ);
	else
		r = watch_add(&listener->watch, front->poller, fd, WATCH_READ, choose(listener));
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

static void park(struct front_listener *listener, struct list *where)
{
	throttle_unwatch(listener);
	list_add_before(where, &listener->link);
}

void throttle_park_full(struct front_listener *listener)
{
	park(listener, &listener->service->parked);
}

bool throttle_lets_uplink(const struct front *front)
{
	return !front->halted && !front->held && !front->blocked && !front->draining;
}

bool throttle_is_open(struct front_listener *listener)
{
	struct front *front = listener->service->front;
	bool open = !front->halted;

	if (front_is_program(listener->service))
		open = throttle_lets_uplink(front);
	/* What needs no descriptor goes on. */
	if (front->starved && listener->watch.fn != datagram_on_ready &&
	    listener->watch.fn != wait_on_ready && listener->watch.fn != pool_on_ready)
		open = false;

	if (!open)
		park(listener, &front->parked);
	return open;
}

static void release(struct list *parked)
{
	list_for_each(at, following, parked)
		throttle_watch(container_of(at, struct front_listener, link));
}

void throttle_release_service(struct front_service *service)
{
	if (service->pending)
		datagram_spawn_pending(service);
	release(&service->parked);
}

void throttle_release_front(struct front *front)
{
	list_for_each(at, following, &front->pending)
		datagram_spawn_pending(container_of(at, struct front_service, pending_link));
	release(&front->parked);
}

static void end_starving(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, starved_timer);

	front->starving = false;
	log_info("accepting clients again");
}

static void try_again(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, starved_timer);

	front->starved = false;
	(void)timer_set(timer, front->timers, clock_ms() + FED_AFTER_MS, end_starving);
	throttle_release_front(front);
}

void throttle_starve(struct front *front, int error)
{
	int64_t pause_ms = front->starved_pause_ms * 2;

	if (!front->starving) {
		front->starving = true;
		pause_ms = STARVED_PAUSE_MIN_MS;
		log_warning(error, "cannot accept clients, trying again until it works");
	}
	if (pause_ms > STARVED_PAUSE_MAX_MS)
		pause_ms = STARVED_PAUSE_MAX_MS;

	front->starved_pause_ms = pause_ms;
	front->starved = timer_set(&front->starved_timer, front->timers, clock_ms() + pause_ms,
				   try_again) == 0;
}
