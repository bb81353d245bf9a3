#include "keeper/listen/listener-policy.h"

#include "base/log.h"
#include "config/settings.h"

static struct listener_options options_of(const struct service *service,
					  const struct endpoint *endpoint)
{
	bool datagrams = endpoint->type == SOCK_DGRAM;
	bool we_read = dispatch_has(service->dispatch, DISPATCH_READS_LISTENER);

	return (struct listener_options){
		.backlog = service->socket.backlog,
		.rcvbuf = service->socket.rcvbuf,
		.sndbuf = service->socket.sndbuf,
		.keepalive = service->socket.keepalive,
		.nodelay = service->socket.nodelay,
		.packet_info = datagrams && we_read,
		.report_drops = datagrams && we_read,
		.no_rights = !dispatch_has(service->dispatch, DISPATCH_RUNS_PROGRAM) ||
			     (datagrams && we_read),
		.blocking = dispatch_has(service->dispatch, DISPATCH_SHARES_LISTENER),
		.share_port = datagrams && dispatch_has(service->dispatch, DISPATCH_PER_CLIENT),
		.mode = service->socket.mode,
		.uid = service->socket.uid,
		.gid = service->socket.gid,
	};
}

/*
 * With a smaller number of sockets the others stay open and are read, because they may have
 * datagrams. A program gets the first socket only, so then the others are closed.
 */
void listener_policy_set(struct listener_policy *policy, const struct service *service,
			 const struct endpoint *endpoint)
{
	bool builtin = !dispatch_has(service->dispatch, DISPATCH_RUNS_PROGRAM);

	policy->options = options_of(service, endpoint);
	policy->sockets = builtin && service->shards > 0 ? service->shards : 1;
	policy->reads_others = builtin;
}

/* Warns once for each size that the configuration asks for. */
static void check_buffer(int *short_of, int asked, int granted, const char *option,
			 const struct listener *listener, const char *service)
{
	const char *limit = option[0] == 'r' ? "rmem_max" : "wmem_max";

	if (granted >= asked || *short_of == asked)
		return;
	*short_of = asked;
	log_service(LOG_WARNING, service, 0,
		    "'%s' is %d bytes instead of %d for %s; raise net.core.%s", option, granted,
		    asked, listener->endpoint.text, limit);
}

static void check_buffers(struct listener_policy *policy, const struct listener *listener,
			  const char *service)
{
	const struct listener_options *asked = &policy->options;
	struct buffer_sizes granted;

	if (asked->rcvbuf == 0 && asked->sndbuf == 0)
		return;
	granted = socket_buffers(listener->fd);
	check_buffer(&policy->rcvbuf_short_of, asked->rcvbuf, granted.receive, "rcvbuf", listener,
		     service);
	check_buffer(&policy->sndbuf_short_of, asked->sndbuf, granted.send, "sndbuf", listener,
		     service);
}

void listener_policy_apply(struct listener_policy *policy, struct listener *listener,
			   const char *service)
{
	int r;

	r = listener_open_others(listener, &policy->options, policy->sockets);
	if (r < 0)
		log_service(LOG_WARNING, service, r,
			    "cannot share %s among %u sockets, going on with %zu",
			    listener->endpoint.text, policy->sockets, listener_n_sockets(listener));
	check_buffers(policy, listener, service);
}
