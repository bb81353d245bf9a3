#include "keeper/child/datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "channel/channel.h"
#include "keeper/child/child.h"
#include "keeper/child/request.h"
#include "keeper/child/unread.h"
#include "keeper/exec/reply-socket.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/fronts.h"
#include "keeper/listen/listener-table.h"

/* Of 512 bytes. A page of memory may be large, but to free very many would take long. */
#define BLOCKS_MAX (8 * 1024 * 1024 / 512)

/* Only a sealed memfd cannot change any more after this check. */
static bool is_sealed(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;
	int found = fcntl(fd, F_GET_SEALS);

	return found >= 0 && (found & seals) == seals && fstat(fd, &status) == 0 &&
	       S_ISREG(status.st_mode) && status.st_size <= CHANNEL_DATAGRAM_MAX &&
	       status.st_blocks <= BLOCKS_MAX;
}

/* Whether the endpoint can have a client with this address. */
static bool is_sender(const struct address *peer, const struct endpoint *endpoint)
{
	int family = endpoint->address.any.sa_family;

	if (peer->length <= sizeof(sa_family_t))
		return false;
	return peer->any.sa_family == family ||
	       (peer->any.sa_family == AF_INET && family == AF_INET6);
}

static int check(struct request *request)
{
	const struct endpoint *endpoint = request_endpoint(request);

	if (endpoint->type != SOCK_DGRAM || !is_sender(&request->peer, endpoint) ||
	    !is_sealed(request->fd))
		return -EBADMSG;
	return 1;
}

/*
 * Between bind() and connect() the new socket receives datagrams of every sender. They are sent to
 * the front at once. Later datagrams come from the sender only, and belong to the program.
 */
static pid_t run(struct request *request, struct child *child, const struct unread *unread,
		 struct spawn_failure *failure)
{
	struct spawn_descriptors descriptors = { .in = request->fd };
	struct reply_socket reply;
	int r;

	r = reply_socket_open(&reply, request_bound(request)->listener, &request->peer,
			      &request->local);
	if (r < 0) {
		*failure = (struct spawn_failure){ .step = SPAWN_CONNECT, .error = -r };
		return r;
	}
	descriptors.out = reply.fd;
	descriptors.connect_to = reply.child_connects ? &request->peer : NULL;
	child->unread = reply.fd;
	unread_pass(unread, child);
	return request_launch(request, child->launch, request_plan(request, child->launch),
			      &descriptors, failure);
}

static void settle(struct fronts *fronts, struct service_record *record,
		   struct bound_listener *bound, int status, int64_t lived_us)
{
	fronts_note_ended(fronts, record);
}

const struct request_kind datagram_request = {
	.type = CHANNEL_DATAGRAM,
	.dispatch = DISPATCH_SPAWN,
	.has_client = true,
	.check = check,
	.run = run,
	.settle = settle,
};
