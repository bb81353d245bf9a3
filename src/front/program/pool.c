#include "front/program/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "front/core/throttle.h"
#include "front/program/pool-demand.h"
#include "front/core/uplink.h"
#include "front/core/service.h"
#include "channel/startup.h"

struct pool_listener {
	struct front_listener *listener;
	struct demand_state demand;
	struct timer again;
};

/* What a service has. */
struct pool {
	unsigned ready; /* processes that accept */
	bool may_grow;  /* CHANNEL_GROW may be sent */
	struct pool_listener listeners[];
};

static struct pool_listener *state_of(const struct front_listener *listener)
{
	struct pool *pool = listener->service->data;

	return &pool->listeners[listener - listener->service->listeners];
}

static int prepare_service(struct front_service *service)
{
	const struct startup_pool *startup =
		&service->context->startup->pools[service->settings->index];
	size_t n = service->settings->n_endpoints;
	struct pool *pool;

	pool = calloc(1, sizeof(*pool) + n * sizeof(pool->listeners[0]));
	if (!pool)
		return -ENOMEM;
	pool->ready = startup->ready;
	pool->may_grow = startup->may_grow;
	for (size_t i = 0; i < n; i++)
		pool->listeners[i].listener = &service->listeners[i];
	service->data = pool;
	return 0;
}

static void close_listener(struct front_listener *listener)
{
	timer_cancel(&state_of(listener)->again);
}

static void forget_service(struct front_service *service)
{
	struct pool *pool = service->data;

	for (size_t i = 0; pool && i < service->settings->n_endpoints; i++)
		timer_cancel(&pool->listeners[i].again);
	free(take_ptr(service->data));
}

static bool is_wanted(const struct front_listener *listener)
{
	const struct pool *pool = listener->service->data;

	return pool->may_grow && !timer_is_set(&state_of(listener)->again);
}

/* Stops watching all listeners of the service, because one answer of the keeper is for all. */
static void rest(struct front_service *service)
{
	for (size_t i = 0; i < service->settings->n_endpoints; i++) {
		struct pool_listener *state = state_of(&service->listeners[i]);

		throttle_unwatch(&service->listeners[i]);
		timer_cancel(&state->again);
		state->demand.noticed = false;
	}
}

static void ask(struct front_service *service)
{
	struct pool *pool = service->data;
	struct channel_message message = {
		.type = CHANNEL_GROW,
		.grow.service = (uint32_t)service->settings->index,
	};

	service_debug(service->settings,
		      "clients wait; asks for one process more than the %u that are ready",
		      pool->ready);
	pool->may_grow = false;
	rest(service);
	uplink_send(service->context->uplink, &message, -1);
}

static bool somebody_waits(const struct front_listener *listener)
{
	struct pollfd waiting = { .fd = listener->listener->fd, .events = POLLIN };

	return poll(&waiting, 1, 0) > 0;
}

static void look(struct front_listener *listener);

static void look_again(struct timer *timer)
{
	look(container_of(timer, struct pool_listener, again)->listener);
}

static void look(struct front_listener *listener)
{
	struct front_service *service = listener->service;
	struct pool_listener *state = state_of(listener);
	const struct pool *pool = service->data;

	if (!throttle_is_open(listener))
		return;
	switch (demand_look(&state->demand, somebody_waits(listener), pool->ready)) {
	case DEMAND_NONE:
		throttle_watch(listener);
		break;
	case DEMAND_LOOK:
		if (timer_set(&state->again, service->context->timers,
			      clock_ms() + state->demand.pause.pause_ms, look_again) == 0)
			throttle_unwatch(listener);
		break;
	case DEMAND_SHORT:
		ask(service);
		break;
	}
}

static void on_ready(struct watch *watch)
{
	look(container_of(watch, struct front_listener, watch));
}

static void on_message(struct front_service *service, const struct channel_message *message, int fd)
{
	struct pool *pool = service->data;

	pool->ready = message->pool.ready;
	pool->may_grow = message->pool.may_grow;
	if (service->context->mode >= MODE_DRAINING)
		return;
	if (!pool->may_grow) {
		rest(service);
		return;
	}
	for (size_t i = 0; i < service->settings->n_endpoints; i++)
		throttle_watch(&service->listeners[i]);
}

const struct dispatch pool_dispatch = {
	.flags = DISPATCH_ASKS_KEEPER,
	.prepare_service = prepare_service,
	.forget_service = forget_service,
	.on_connection = on_ready,
	.on_datagram = on_ready,
	.is_wanted = is_wanted,
	.on_service_message = on_message,
	.close = close_listener,
};
