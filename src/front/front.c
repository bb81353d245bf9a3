#include "front/front.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/session/builtin.h"
#include "front/core/client-log.h"
#include "front/program/spawn-datagram.h"
#include "front/datagram/datagram.h"
#include "front/core/throttle.h"
#include "front/resend.h"
#include "front/commands.h"
#include "front/datagram/queue-drops.h"
#include "front/pass/pass.h"
#include "front/program/pool.h"
#include "front/privileges.h"
#include "front/core/uplink.h"
#include "front/datagram/reuseport.h"
#include "front/state.h"
#include "front/program-log.h"
#include "front/program/wait.h"
#include "front/program/spawn.h"
#include "front/datagram/builtins.h"

static const struct dispatch *const kinds[] = {
	[DISPATCH_SESSION] = &builtins_dispatch, [DISPATCH_SPAWN] = &spawn_dispatch,
	[DISPATCH_WAIT] = &wait_dispatch,        [DISPATCH_POOL] = &pool_dispatch,
	[DISPATCH_PASS] = &pass_dispatch,
};

static int init_service(struct front *front, size_t i)
{
	struct front_service *service = &front->services[i];

	service_init(service, &front->context, i);
	service->front = front;
	service->dispatch = kinds[service->settings->dispatch];
	if (service->dispatch == &pass_dispatch)
		service->owner = &front->pass;
	service->listeners = &front->listeners[service->settings->first_endpoint];
	for (size_t j = 0; j < service->settings->n_endpoints; j++)
		service->listeners[j].service = service;
	return service->dispatch->prepare_service ? service->dispatch->prepare_service(service) : 0;
}

static int init_services(struct front *front)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < front->settings->n_services; i++)
		r = init_service(front, i);
	return r;
}

static int init_listener(struct front *front, size_t i)
{
	struct front_listener *listener = &front->listeners[i];
	const struct dispatch *dispatch = listener->service->dispatch;
	int r;

	listener->number = (uint32_t)i;
	listener->listener = front->context.startup->listeners[i];
	if (dispatch->flags & DISPATCH_ASKS_KEEPER)
		listener_close_others(listener->listener, 1);
	listener->counted_drops =
		drop_counts_of(front->context.startup->drop_counts, listener->listener->fd);
	r = datagram_guard_own(listener);
	if (r == 0 && dispatch->prepare)
		r = dispatch->prepare(listener);
	if (r == 0 && !listener->listener->busy)
		throttle_watch(listener);
	return r;
}

static int init_listeners(struct front *front)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < front->settings->n_endpoints; i++)
		r = init_listener(front, i);
	return r;
}

/* Clients that select cannot watch then wait in the queue, as when descriptors run out. */
static void limit_descriptors(const struct settings *settings)
{
	struct rlimit limit;

	if (settings->poller != POLLER_SELECT || getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur <= FD_SETSIZE)
		return;
	limit.rlim_cur = FD_SETSIZE;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int init_sessions(struct front *front)
{
	int r;

	r = workers_new(&front->workers, front->settings->workers);
	if (r < 0)
		return r;
	return sessions_init(&front->sessions, front->context.poller, front->context.timers,
			     front->workers, builtins_on_session_ended);
}

static void reset(struct front *front, const struct startup *startup)
{
	*front = (struct front){
		.context = { .startup = startup,
			     .uplink = &front->uplink,
			     .throttle = &front->throttle },
		.settings = startup->settings,
		.spare_memfd = -1,
	};
	throttle_init(&front->throttle, &front->context);
	list_init(&front->pending);
	pass_init(&front->pass, &front->context);
	list_init(&front->stderr_readers);
	list_init(&front->resend);
}

static int allocate(struct front *front)
{
	const struct settings *settings = front->settings;
	int r;

	r = poller_new(&front->context.poller, settings->poller);
	if (r < 0)
		return r;
	r = timers_new(&front->context.timers);
	if (r < 0)
		return r;
	front->services = calloc(settings->n_services + 1, sizeof(*front->services));
	front->listeners = calloc(settings->n_endpoints + 1, sizeof(*front->listeners));
	return front->services && front->listeners ? 0 : -ENOMEM;
}

static int front_init(struct front *front, const struct startup *startup)
{
	int r;

	reset(front, startup);
	limit_descriptors(startup->settings);
	r = allocate(front);
	if (r < 0)
		return r;

	uplink_init(&front->uplink, front->context.timers, startup->channel, &commands_uplink);
	r = init_services(front);
	if (r < 0)
		return r;
	r = queue_drops_start(front);
	if (r < 0)
		return r;
	r = init_sessions(front);
	if (r < 0)
		return r;
	r = pass_start(startup, front->services);
	if (r < 0)
		return r;
	r = init_listeners(front);
	if (r < 0)
		return r;
	stderr_start(front);
	return uplink_start(&front->uplink, front->context.poller);
}

static void forget_listener(struct front_listener *listener)
{
	watch_remove(&listener->watch);
	if (listener->service && listener->service->dispatch->forget)
		listener->service->dispatch->forget(listener);
}

static void forget_service(struct front_service *service)
{
	if (service->dispatch && service->dispatch->forget_service)
		service->dispatch->forget_service(service);
}

/* Copes with a half-built front. The keeper's @startup is not freed. */
static void front_fini(struct front *front)
{
	stderr_stop(front);
	resend_forget(front);
	datagram_spawn_abandon(front);
	for (size_t i = 0; front->services && i < front->settings->n_services; i++)
		forget_service(&front->services[i]);
	for (size_t i = 0; front->listeners && i < front->settings->n_endpoints; i++)
		forget_listener(&front->listeners[i]);
	uplink_fini(&front->uplink);
	workers_stop(front->workers);
	reuseport_free(front);
	workers_free(front->workers);
	reflection_guard_fini(&front->guard);
	queue_drops_stop(front);
	sessions_fini(&front->sessions);
	throttle_fini(&front->throttle);
	timers_free(front->context.timers);
	free(front->listeners);
	free(front->services);
	poller_free(front->context.poller);
}

/* Whether a draining front may end. */
static bool is_over(const struct front *front)
{
	return front->context.mode == MODE_DRAINING && front->sessions.count == 0 &&
	       pass_is_over(&front->pass) && !uplink_has_request(&front->uplink);
}

static int serve(struct front *front)
{
	uplink_answer(&front->uplink, CHANNEL_READY);

	while (front->context.mode != MODE_OVER) {
		int r;

		r = poller_run(front->context.poller,
			       timers_wait_ms(front->context.timers, clock_ms()));
		if (r < 0)
			return log_error(r, "cannot wait for clients");
		timers_run(front->context.timers, clock_ms());
		pass_report(&front->pass);
		if (is_over(front))
			front->context.mode = MODE_OVER;
	}
	return 0;
}

int front_main(const struct startup *startup)
{
	static struct front front;
	int r;

	r = privileges_drop(&startup->settings->front);
	if (r < 0)
		return EX_OSERR;

	r = front_init(&front, startup);
	if (r < 0)
		log_error(r, "cannot prepare to serve");
	else
		r = serve(&front);
	front_fini(&front);
	return r < 0 ? EX_OSERR : 0;
}
