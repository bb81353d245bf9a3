#include "front/datagram/builtins.h"

#include <errno.h>

#include "front/core/accept.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/datagram/datagram.h"
#include "front/datagram/reuseport.h"
#include "front/session/builtin.h"
#include "front/state.h"

void builtins_on_session_ended(struct session *session)
{
	struct front *front = container_of(session->sessions, struct front, sessions);
	struct front_service *service = &front->services[session->service->index];
	struct service_stats *stats = service->stats;

	service_count_sessions(service, -1);
	atomic_fetch_add_explicit(&stats->ended, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_in, session->bytes_in, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->bytes_out, session->bytes_out, memory_order_relaxed);
	log_ended(session);
	throttle_release_service(service);
}

static void admitted(struct front_listener *listener, int fd, const struct address *peer)
{
	struct front_service *service = listener->service;
	const int on = 1;
	int r;

	if (builtin_has(service->settings->builtin, BUILTIN_OOB_INLINE) && !address_is_unix(peer))
		(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	log_accepted(service->settings, peer);
	service_count_sessions(service, 1);
	r = session_start(&service->front->sessions, service->settings, fd, peer);
	if (r < 0) {
		service_count_sessions(service, -1);
		log_lost(service->settings, peer, r, "no session");
		/* The next client waits in the queue. */
		throttle_starve(service->context->throttle, r);
	}
}

static int prepare_service(struct front_service *service)
{
	builtin_prepare(service->settings->builtin);
	return 0;
}

static int prepare(struct front_listener *listener)
{
	return reuseport_wanted(listener) ? reuseport_start(listener) : 0;
}

static bool is_wanted(const struct front_listener *listener)
{
	return !reuseport_wanted(listener);
}

static int add_socket(struct front_listener *listener, int fd)
{
	if (reuseport_wanted(listener))
		return reuseport_add(listener, fd, -1);
	if (fd != listener->listener->fd)
		return -EINVAL;
	throttle_watch(listener);
	return 0;
}

const struct dispatch builtins_dispatch = {
	.flags = DISPATCH_CONNECTION_TAKES_FD | DISPATCH_NONBLOCKING,
	.prepare_service = prepare_service,
	.prepare = prepare,
	.on_connection = accept_on_ready,
	.on_datagram = datagram_on_ready,
	.is_wanted = is_wanted,
	.add_socket = add_socket,
	.admitted = admitted,
};
