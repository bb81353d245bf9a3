#include "keeper/child/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/channel.h"
#include "keeper/child/child.h"
#include "keeper/child/request.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/fronts.h"
#include "keeper/listen/listener-table.h"

/*
 * The connecting side of a Unix socket is told the credentials of the process that listens. A
 * program must not take a front for root because of that.
 */
static bool is_of_the_keeper(int fd)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == getpid();
}

/* Whether the socket was accepted from the endpoint. What the front says of it does not count. */
static bool is_of_endpoint(struct request *request)
{
	const struct endpoint *endpoint = request_endpoint(request);

	if (endpoint->type == SOCK_DGRAM ||
	    !origin_is_of(&request_bound(request)->listener->origin, request->fd, &request->local))
		return false;
	if (address_is_unix(&request->local)) {
		/* A socket that was passed may have been bound by another path to the same file. */
		request->local = endpoint->address;
		return !is_of_the_keeper(request->fd);
	}
	address_unmap(&request->local);
	return true;
}

/* Asks the kernel for the address of the client. Returns as check(). */
static int find_peer(struct request *request)
{
	request->peer = (struct address){ .length = sizeof(request->peer.un) };
	if (getpeername(request->fd, &request->peer.any, &request->peer.length) == 0)
		return 1;
	request->peer.length = 0;
	return errno == ENOTCONN ? 0 : -EBADMSG;
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

static int check(struct request *request)
{
	int r;

	if (!is_of_endpoint(request))
		return -EBADMSG;
	r = find_peer(request);
	if (r > 0)
		make_ready(request);
	return r;
}

static pid_t run(struct request *request, struct child *child, const struct unread *unread,
		 struct spawn_failure *failure)
{
	struct spawn_descriptors descriptors = { .in = request->fd, .out = request->fd };

	return request_launch(request, child->launch, request_plan(request, child->launch),
			      &descriptors, failure);
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
	.check = check,
	.run = run,
	.settle = settle,
};
