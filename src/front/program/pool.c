#include "front/program/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "front/core/throttle.h"
#include "front/program/pool-demand.h"
#include "front/core/uplink.h"
#include "front/state.h"

struct pool_state {
	struct demand_state demand;
	struct timer again;
	struct front_listener *listener;
};

static int prepare(struct front_listener *listener)
{
	listener->pool = calloc(1, sizeof(*listener->pool));
	if (!listener->pool)
		return -ENOMEM;
	listener->pool->listener = listener;
	return 0;
}

static void forget(struct front_listener *listener)
{
	if (!listener->pool)
		return;
	timer_cancel(&listener->pool->again);
	free(listener->pool);
	listener->pool = NULL;
}

static bool is_wanted(const struct front_listener *listener)
{
	return listener->service->may_grow && !timer_is_set(&listener->pool->again);
}

/* Stops watching all listeners of the service, because one answer of the keeper is for all. */
static void rest(struct front_service *service)
{
	for (size_t i = 0; i < service->settings->n_endpoints; i++) {
		struct front_listener *listener =
			&service->front->listeners[service->settings->first_endpoint + i];

		throttle_unwatch(listener);
		timer_cancel(&listener->pool->again);
		listener->pool->demand.noticed = false;
	}
}

static void ask(struct front_service *service)
{
	struct channel_message message = {
		.type = CHANNEL_GROW,
		.grow.service = (uint32_t)service->settings->index,
	};

	service->may_grow = false;
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
	look(container_of(timer, struct pool_state, again)->listener);
}

static void look(struct front_listener *listener)
{
	struct front_service *service = listener->service;
	struct pool_state *state = listener->pool;

	if (!throttle_is_open(listener))
		return;
	switch (demand_look(&state->demand, somebody_waits(listener), service->ready)) {
	case DEMAND_NONE:
		throttle_watch(listener);
		break;
	case DEMAND_LOOK:
		if (timer_set(&state->again, service->context->timers,
			      clock_ms() + state->demand.pause_ms, look_again) == 0)
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
	service->ready = message->pool.ready;
	service->may_grow = message->pool.may_grow;
	if (service->context->mode >= MODE_DRAINING)
		return;
	if (!service->may_grow) {
		rest(service);
		return;
	}
	for (size_t i = 0; i < service->settings->n_endpoints; i++)
		throttle_watch(&service->front->listeners[service->settings->first_endpoint + i]);
}

static int prepare_service(struct front_service *service)
{
	const struct startup_pool *pool =
		&service->context->startup->pools[service->settings->index];

	service->ready = pool->ready;
	service->may_grow = pool->may_grow;
	return 0;
}

const struct dispatch pool_dispatch = {
	.flags = DISPATCH_ASKS_KEEPER,
	.prepare_service = prepare_service,
	.prepare = prepare,
	.forget = forget,
	.on_connection = on_ready,
	.on_datagram = on_ready,
	.is_wanted = is_wanted,
	.on_service_message = on_message,
};
