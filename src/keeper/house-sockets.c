#include "keeper/house-sockets.h"

#include "base/log.h"
#include "channel/board.h"
#include "config/settings.h"
#include "keeper/house.h"

static struct listener_options options_of(const struct service *service,
					  const struct endpoint *endpoint)
{
	bool datagrams = endpoint->type == SOCK_DGRAM;
	bool we_read = service->dispatch == DISPATCH_SESSION || service->dispatch == DISPATCH_SPAWN;

	return (struct listener_options){
		.backlog = service->socket.backlog,
		.rcvbuf = service->socket.rcvbuf,
		.sndbuf = service->socket.sndbuf,
		.packet_info = datagrams && we_read,
		.tell_overrun = datagrams && we_read,
		.blocking = service->dispatch == DISPATCH_POOL,
		.share_port = datagrams && service->dispatch == DISPATCH_SPAWN,
		.mode = service->socket.mode,
		.uid = service->socket.uid,
		.gid = service->socket.gid,
	};
}

/*
 * A smaller number of sockets is no reason to close one: it may have received datagrams. But a
 * program gets the first one alone.
 */
void housed_set_options(struct housed *housed, const struct service *service,
			const struct endpoint *endpoint)
{
	bool builtin = service->dispatch == DISPATCH_SESSION;

	housed->options = options_of(service, endpoint);
	housed->sockets = builtin && service->workers > 0 ? service->workers : 1;
	housed->reads_others = builtin;
}

static void warn_short(const struct housed *housed, const char *option, int asked, int granted)
{
	const char *limit = option[0] == 'r' ? "rmem_max" : "wmem_max";

	log_service(LOG_WARNING, housed->service, 0,
		    "'%s' is %d bytes instead of %d for %s; raise net.core.%s", option, granted,
		    asked, housed->listener->endpoint.text, limit);
}

/* Once for each size that is asked for. */
static void check_buffers(struct housed *housed)
{
	const struct listener_options *asked = &housed->options;
	struct buffer_sizes granted;

	if (asked->rcvbuf == 0 && asked->sndbuf == 0)
		return;
	granted = socket_buffers(housed->listener->fd);
	if (granted.receive < asked->rcvbuf && housed->rcvbuf_short_of != asked->rcvbuf) {
		housed->rcvbuf_short_of = asked->rcvbuf;
		warn_short(housed, "rcvbuf", asked->rcvbuf, granted.receive);
	}
	if (granted.send < asked->sndbuf && housed->sndbuf_short_of != asked->sndbuf) {
		housed->sndbuf_short_of = asked->sndbuf;
		warn_short(housed, "sndbuf", asked->sndbuf, granted.send);
	}
}

/* Another socket had the number before. A new one has no drops, one that was passed may have. */
static void count_drops_from_now(const struct housed *housed, size_t first)
{
	for (size_t i = first; i < listener_n_sockets(housed->listener); i++) {
		int fd = listener_socket(housed->listener, i);
		_Atomic uint32_t *counted = drops_of(housed->house->drops, fd);

		if (counted)
			*counted = socket_drops(fd);
	}
}

static void share(struct housed *housed)
{
	struct listener *listener = housed->listener;
	size_t before = listener_n_sockets(listener);
	int r;

	r = listener_share(listener, &housed->options, housed->sockets);
	count_drops_from_now(housed, before);
	if (r < 0)
		log_service(LOG_WARNING, housed->service, r,
			    "cannot share %s among %u sockets, going on with %zu",
			    listener->endpoint.text, housed->sockets, listener_n_sockets(listener));
}

void housed_complete(struct housed *housed)
{
	share(housed);
	check_buffers(housed);
}

void housed_set_up(struct housed *housed)
{
	if (housed->listener->endpoint.type == SOCK_DGRAM)
		count_drops_from_now(housed, 0);
	housed_complete(housed);
}
