#include "keeper/child/connection.h"

#include <sys/socket.h>

#include "base/fd.h"
#include "channel/channel.h"
#include "keeper/child/request.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/fronts.h"
#include "keeper/listen/listener-table.h"
#include "net/socket-options.h"

/*
 * Whether it is a connection, not a listener. The address of the client is asked from the kernel;
 * if the client has gone, that of the front stays.
 */
static bool has_peer(struct request *request)
{
	struct address peer = { .length = sizeof(peer.un) };

	if (getpeername(request->fd, &peer.any, &peer.length) < 0)
		return socket_option(request->fd, SOL_SOCKET, SO_ACCEPTCONN) == 0;
	if (!address_is_unix(&peer))
		request->peer = peer;
	return true;
}

/* Whether the socket has the type, the family and the port of the endpoint. */
static bool is_of_endpoint(struct request *request)
{
	const struct endpoint *endpoint = request_endpoint(request);

	request->local.length = sizeof(request->local.un);
	if (socket_option(request->fd, SOL_SOCKET, SO_TYPE) != endpoint->type ||
	    getsockname(request->fd, &request->local.any, &request->local.length) < 0)
		return false;
	if (request->local.any.sa_family != endpoint->address.any.sa_family)
		return false;
	if (address_is_unix(&request->local)) {
		/* If a stale file was replaced, the kernel has another name than the file. */
		request->local = endpoint->address;
		return true;
	}

	if (address_port(&request->local) != request_bound(request)->port)
		return false;
	address_unmap(&request->local);
	return true;
}

/*
 * Programs expect a blocking connection, and the front should have accepted it as such. Without
 * SO_LINGER the keeper's close() does not wait.
 */
static void make_ready(struct request *request)
{
	const struct linger none = { 0 };

	(void)fd_set_blocking(request->fd, true);
	(void)setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static bool is_allowed(struct request *request)
{
	if (request_endpoint(request)->type == SOCK_DGRAM || !is_of_endpoint(request) ||
	    !has_peer(request))
		return false;
	make_ready(request);
	return true;
}

static pid_t run(struct request *request, struct child *child, const struct unread *unread,
		 struct spawn_failure *failure)
{
	struct spawn_descriptors descriptors = { .in = request->fd, .out = request->fd };

	return request_spawn(request, request_plan(request), &descriptors, failure);
}

static void settle(struct fronts *fronts, struct service_record *record,
		   struct bound_listener *bound, int status, int64_t lived_us)
{
	fronts_note_ended(fronts, record);
}

const struct request_kind connection_request = {
	.type = CHANNEL_SPAWN,
	.dispatch = DISPATCH_SPAWN,
	.has_client = true,
	.is_allowed = is_allowed,
	.run = run,
	.settle = settle,
};
