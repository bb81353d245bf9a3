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

static void on_session_ended(struct session *session)
{
	struct front *front = container_of(session->sessions, struct front, sessions);
	struct front_service *service = &front->services[session->service->index];
	struct service_stats *stats = front_stats(service);
	unsigned stats_index = front->startup->stats_indices[session->service->index];

	atomic_fetch_sub_explicit(&front->startup->session_counts->sessions[stats_index], 1,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->ended, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_in, session->bytes_in, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_out, session->bytes_out, memory_order_relaxed);
	log_ended(session);
	throttle_release_service(service);
	commands_end_if_over(front);
}

static void init_services(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_services; i++) {
		struct front_service *service = &front->services[i];
		const struct service *settings = &front->settings->services[i];

		service->front = front;
		service->settings = settings;
		service->live = front->startup->children[i];
		service->ready = front->startup->pools[i].ready;
		service->may_grow = front->startup->pools[i].may_grow;
		list_init(&service->parked);
		builtin_prepare(settings->builtin);
		for (size_t j = 0; j < settings->n_endpoints; j++)
			front->listeners[settings->first_endpoint + j].service = service;
	}
}

static int prepare_dispatch(struct front_listener *listener)
{
	switch (listener->service->settings->dispatch) {
	case DISPATCH_WAIT:
		return wait_prepare(listener);
	case DISPATCH_POOL:
		return pool_prepare(listener);
	default:
		return 0;
	}
}

static int init_listeners(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_endpoints; i++) {
		struct front_listener *listener = &front->listeners[i];
		int r;

		listener->number = (uint32_t)i;
		listener->listener = front->startup->listeners[i];
		if (front_is_program(listener->service))
			listener_unshare(listener->listener, 1);
		listener->counted_drops =
			drop_counts_of(front->startup->drop_counts, listener->listener->fd);
		r = datagram_guard_own(listener);
		if (r < 0)
			return r;
		r = prepare_dispatch(listener);
		if (r < 0)
			return r;
		if (reuseport_wanted(listener)) {
			r = reuseport_start(listener);
			if (r < 0)
				return r;
		} else if (!listener->listener->busy) {
			throttle_watch(listener);
		}
	}
	return 0;
}

/* So clients that select cannot watch wait in the queue, as they do when descriptors run out. */
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
	return sessions_init(&front->sessions, front->poller, front->timers, front->workers,
			     on_session_ended);
}

static void reset(struct front *front, const struct startup *startup)
{
	*front = (struct front){
		.startup = startup,
		.settings = startup->settings,
		.kept_fd = -1,
		.spare_memfd = -1,
		.held = startup->hold,
	};
	list_init(&front->parked);
	list_init(&front->pending);
	list_init(&front->unreported);
	list_init(&front->stderr_readers);
	list_init(&front->resend);
}

static int allocate(struct front *front)
{
	const struct settings *settings = front->settings;
	int r;

	r = poller_new(&front->poller, settings->poller);
	if (r < 0)
		return r;
	r = timers_new(&front->timers);
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

	init_services(front);
	r = queue_drops_start(front);
	if (r < 0)
		return r;
	r = init_sessions(front);
	if (r < 0)
		return r;
	r = pass_start(front);
	if (r < 0)
		return r;
	r = init_listeners(front);
	if (r < 0)
		return r;
	stderr_start(front);
	return watch_add(&front->channel, front->poller, startup->channel, WATCH_READ,
			 commands_on_ready);
}

/* Copes with a half-built front; what the start brought is not ours to free. */
static void front_fini(struct front *front)
{
	stderr_stop(front);
	resend_forget(front);
	datagram_spawn_abandon(front);
	pass_stop(front);
	for (size_t i = 0; front->listeners && i < front->settings->n_endpoints; i++) {
		watch_remove(&front->listeners[i].watch);
		wait_forget(&front->listeners[i]);
		pool_forget(&front->listeners[i]);
	}
	watch_remove(&front->channel);
	workers_stop(front->workers);
	reuseport_free(front);
	workers_free(front->workers);
	reflection_guard_fini(&front->guard);
	queue_drops_stop(front);
	sessions_fini(&front->sessions);
	timers_free(front->timers);
	free(front->listeners);
	free(front->services);
	poller_free(front->poller);
}

static int serve(struct front *front)
{
	uplink_answer(front, CHANNEL_READY);

	while (!front->done) {
		int r;

		r = poller_run(front->poller, timers_wait_ms(front->timers, clock_ms()));
		if (r < 0)
			return log_error(r, "cannot wait for clients");
		timers_run(front->timers, clock_ms());
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
