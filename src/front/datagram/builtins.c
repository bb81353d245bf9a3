#include "front/datagram/builtins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "channel/startup.h"
#include "front/core/accept.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/datagram/datagram.h"
#include "front/datagram/queue-drops.h"
#include "front/session/builtin.h"
#include "front/session/session-log.h"

/* What a listener with datagrams has: its socket is watched, or several are shared by workers. */
struct datagrams {
	struct datagram_socket socket;
	struct reuseport reuseport;
	bool shared;
};

static bool has_datagrams(const struct front_listener *listener)
{
	return listener->listener->endpoint.type == SOCK_DGRAM;
}

static bool is_shared(const struct front_listener *listener)
{
	const struct datagrams *datagrams = listener->data;

	return datagrams && datagrams->shared;
}

static int prepare_service(struct front_service *service)
{
	struct builtins *builtins = service->owner;
	struct service_drops *drops = calloc(1, sizeof(*drops));

	if (!drops)
		return -ENOMEM;
	service_drops_init(drops, builtins->drops, service);
	service->data = drops;
	builtin_prepare(service->settings->builtin);
	return 0;
}

static void forget_service(struct front_service *service)
{
	if (service->data)
		service_drops_fini(service->data);
	free(take_ptr(service->data));
}

/* Returns a negative errno where the socket is of no use. @owned: as reuseport_add(). */
static int take_socket(struct front_listener *listener, int fd, bool owned)
{
	struct builtins *builtins = listener->service->owner;
	struct datagrams *datagrams = listener->data;
	struct datagram_socket socket;
	int r;

	if (!is_shared(listener) && fd != listener->listener->fd)
		return -EINVAL;
	if (!datagrams)
		return 0;

	datagram_socket_init(&socket, listener, fd, &builtins->guard, listener->service->data);
	if (!datagrams->shared) {
		datagrams->socket = socket;
		return 0;
	}
	r = reuseport_add(&datagrams->reuseport, &socket, owned);
	if (r == 0 && listener->service->context->mode != MODE_SERVING)
		reuseport_halt(&datagrams->reuseport);
	return r;
}

static int add_socket(struct front_listener *listener, int fd)
{
	int r;

	r = take_socket(listener, fd, fd != listener->listener->fd);
	if (r == 0)
		throttle_watch(listener);
	return r;
}

static int prepare(struct front_listener *listener)
{
	const struct listener *own = listener->listener;
	unsigned shards = listener->service->settings->shards;
	struct builtins *builtins = listener->service->owner;
	struct datagrams *datagrams;
	int r = 0;

	if (!has_datagrams(listener))
		return 0;
	datagrams = listener->data = calloc(1, sizeof(*datagrams));
	if (!datagrams)
		return -ENOMEM;
	reuseport_init(&datagrams->reuseport, &builtins->readers, listener->number, shards);
	datagrams->shared = shards > 0 || own->n_others > 0;
	for (size_t i = 0; r == 0 && i < listener_n_sockets(own); i++)
		r = take_socket(listener, listener_socket(own, i), false);
	return r;
}

static bool is_wanted(const struct front_listener *listener)
{
	return !is_shared(listener);
}

static void on_datagram(struct watch *watch)
{
	struct front_listener *listener = container_of(watch, struct front_listener, watch);
	struct datagrams *datagrams = listener->data;
	int r;

	if (!throttle_is_open(listener))
		return;
	r = datagram_serve(&datagrams->socket, NULL);
	if (r == -EAGAIN)
		throttle_on_empty(listener);
	else if (r < 0)
		service_debug(listener->service->settings, "cannot receive a datagram: error %d",
			      -r);
}

static void close_listener(struct front_listener *listener)
{
	struct datagrams *datagrams = listener->data;

	if (datagrams)
		reuseport_close(&datagrams->reuseport);
}

static void forget(struct front_listener *listener)
{
	struct datagrams *datagrams = listener->data;

	if (datagrams)
		reuseport_fini(&datagrams->reuseport);
	free(take_ptr(listener->data));
}

static void each_reuseport(struct front_service *service, void (*fn)(struct reuseport *reuseport))
{
	for (size_t i = 0; i < service->settings->n_endpoints; i++) {
		struct datagrams *datagrams = service->listeners[i].data;

		if (datagrams)
			fn(&datagrams->reuseport);
	}
}

static void halt(struct front_service *service)
{
	each_reuseport(service, reuseport_halt);
}

static void resume(struct front_service *service)
{
	each_reuseport(service, reuseport_resume);
}

static void drain(struct front_service *service, bool has_successor)
{
	service_drops_log_rest(service->data);
}

/* For all services of the kind. A second call does nothing. */
static void end_clients(struct front_service *service)
{
	struct builtins *builtins = service->owner;
	char sessions[TEXT_COUNT_MAX];

	if (builtins->sessions.count > 0)
		log_info("time is up, ending %s",
			 text_count(sessions, builtins->sessions.count, "session"));
	sessions_end_all(&builtins->sessions);
}

static void admitted(struct front_listener *listener, int fd, const struct address *peer)
{
	struct front_service *service = listener->service;
	struct builtins *builtins = service->owner;
	int r;

	/* RFC 862: echo returns everything, also urgent data. */
	if (builtin_has(service->settings->builtin, BUILTIN_OOB_INLINE) && !address_is_unix(peer))
		(void)socket_option_set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	log_accepted(service->settings, peer, 0);
	service_count_sessions(service, 1);
	r = sessions_start(&builtins->sessions, service, fd, peer);
	if (r < 0) {
		service_count_sessions(service, -1);
		log_lost(service->settings, peer, r, "no session");
		/* The next client waits in the queue. */
		throttle_on_shortage(service->context->throttle, r);
	}
}

static void on_session_ended(struct session *session)
{
	struct front_service *service = session->service;
	struct service_stats *stats = service->stats;

	service_count_sessions(service, -1);
	atomic_fetch_add_explicit(&stats->ended, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_in, session->io.bytes_in, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_out, session->io.bytes_out, memory_order_relaxed);
	session_log_end(session);
	throttle_resume_service(service);
}

const struct dispatch builtins_dispatch = {
	.flags = DISPATCH_CONNECTION_TAKES_FD | DISPATCH_NONBLOCKING,
	.prepare_service = prepare_service,
	.prepare = prepare,
	.forget = forget,
	.forget_service = forget_service,
	.on_connection = accept_on_ready,
	.on_datagram = on_datagram,
	.is_wanted = is_wanted,
	.add_socket = add_socket,
	.admitted = admitted,
	.halt = halt,
	.resume = resume,
	.close = close_listener,
	.drain = drain,
	.end_clients = end_clients,
};

int builtins_guard(struct builtins *builtins, const struct listener *listener)
{
	struct address own = { .length = sizeof(own.un) };

	if (listener->endpoint.type != SOCK_DGRAM || listener->fd < 0)
		return 0;
	if (getsockname(listener->fd, &own.any, &own.length) < 0)
		return -errno;
	return reflection_guard_add(&builtins->guard, &own.any, own.length);
}

int builtins_init(struct builtins *builtins, const struct context *context,
		  struct queue_drops *drops)
{
	int r;

	builtins->drops = drops;
	r = workers_new(&builtins->workers, context->startup->settings->workers);
	if (r < 0)
		return r;
	reuseport_readers_init(&builtins->readers, context->poller, builtins->workers);
	return sessions_init(&builtins->sessions, context->poller, context->timers,
			     builtins->workers, on_session_ended);
}

void builtins_stop(struct builtins *builtins)
{
	workers_stop(builtins->workers);
}

void builtins_fini(struct builtins *builtins)
{
	reuseport_readers_fini(&builtins->readers);
	workers_free(builtins->workers);
	reflection_guard_fini(&builtins->guard);
	sessions_fini(&builtins->sessions);
}
