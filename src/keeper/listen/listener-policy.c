#include "keeper/listen/listener-policy.h"

#include "base/log.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/listen/listener-table.h"
#include "net/listener-reuseport.h"

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
		.report_drops = datagrams && we_read,
		.blocking = service->dispatch == DISPATCH_POOL,
		.share_port = datagrams && service->dispatch == DISPATCH_SPAWN,
		.mode = service->socket.mode,
		.uid = service->socket.uid,
		.gid = service->socket.gid,
	};
}

/*
 * With a smaller number of sockets the others stay open and are read, because they may have
 * datagrams. A program gets the first socket only, so then the others are closed.
 */
void bound_listener_set_options(struct bound_listener *bound, const struct service *service,
				const struct endpoint *endpoint)
{
	bool builtin = service->dispatch == DISPATCH_SESSION;

	bound->options = options_of(service, endpoint);
	bound->sockets = builtin && service->shards > 0 ? service->shards : 1;
	bound->reads_others = builtin;
}

static void warn_short(const struct bound_listener *bound, const char *option, int asked,
		       int granted)
{
	const char *limit = option[0] == 'r' ? "rmem_max" : "wmem_max";

	log_service(LOG_WARNING, bound->service, 0,
		    "'%s' is %d bytes instead of %d for %s; raise net.core.%s", option, granted,
		    asked, bound->listener->endpoint.text, limit);
}

/* Warns once for each size that the configuration asks for. */
static void check_buffers(struct bound_listener *bound)
{
	const struct listener_options *asked = &bound->options;
	struct buffer_sizes granted;

	if (asked->rcvbuf == 0 && asked->sndbuf == 0)
		return;
	granted = socket_buffers(bound->listener->fd);
	if (granted.receive < asked->rcvbuf && bound->rcvbuf_short_of != asked->rcvbuf) {
		bound->rcvbuf_short_of = asked->rcvbuf;
		warn_short(bound, "rcvbuf", asked->rcvbuf, granted.receive);
	}
	if (granted.send < asked->sndbuf && bound->sndbuf_short_of != asked->sndbuf) {
		bound->sndbuf_short_of = asked->sndbuf;
		warn_short(bound, "sndbuf", asked->sndbuf, granted.send);
	}
}

/* Forgets drops of another socket that had the number before, or from before superd got this one.
 */
static void count_drops_from_now(const struct bound_listener *bound, size_t first)
{
	for (size_t i = first; i < listener_n_sockets(bound->listener); i++) {
		int fd = listener_socket(bound->listener, i);
		_Atomic uint32_t *counted = drop_counts_of(bound->listener_table->drop_counts, fd);

		if (counted)
			*counted = socket_drops(fd);
	}
}

static void share(struct bound_listener *bound)
{
	struct listener *listener = bound->listener;
	size_t before = listener_n_sockets(listener);
	int r;

	r = listener_reuseport_open(listener, &bound->options, bound->sockets);
	count_drops_from_now(bound, before);
	if (r < 0)
		log_service(LOG_WARNING, bound->service, r,
			    "cannot share %s among %u sockets, going on with %zu",
			    listener->endpoint.text, bound->sockets, listener_n_sockets(listener));
}

void bound_listener_complete(struct bound_listener *bound)
{
	share(bound);
	check_buffers(bound);
}

void bound_listener_set_up(struct bound_listener *bound)
{
	if (bound->listener->endpoint.type == SOCK_DGRAM)
		count_drops_from_now(bound, 0);
	bound_listener_complete(bound);
}
