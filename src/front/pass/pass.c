#include "front/pass/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "channel/channel.h"
#include "channel/pass-table.h"
#include "channel/startup.h"
#include "front/core/accept.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"

/* The address at which clients of a listener arrive. Known in advance unless it is a wildcard. */
struct arrival {
	bool known;
	bool is_any;
	struct address address;
};

static void on_room(struct balancer *balancer)
{
	throttle_resume_service(balancer->common.service);
}

void pass_init(struct pass *pass, const struct context *context)
{
	*pass = (struct pass){ .group = { .on_room = on_room }, .context = context };
	list_init(&pass->group.dismissed);
	list_init(&pass->group.growing);
}

int pass_start(const struct startup *startup, struct front_service *services)
{
	for (size_t i = 0; i < startup->n_processes; i++) {
		const struct startup_process *process = &startup->processes[i];
		int r;

		r = balancer_add(services[process->service].data, process->process_index,
				 process->pid, process->fd);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < startup->settings->n_services; i++) {
		struct balancer *balancer = services[i].data;

		if (services[i].dispatch != &pass_dispatch)
			continue;
		for (unsigned j = 0; j < startup->pools[i].table->n_processes; j++)
			balancer_end_orphans(balancer, j);
		balancer_update(balancer);
	}
	return 0;
}

static void report_dismissed(struct pass *pass)
{
	list_for_each(at, following, &pass->group.dismissed) {
		const struct pass_process *process =
			container_of(at, struct pass_process, dismissed_link);
		const struct channel_message message = {
			.type = CHANNEL_DISMISS,
			.dismiss = { (uint32_t)process->common->service->settings->index,
				     process->index, process->pid },
		};

		if (uplink_is_blocked(pass->context->uplink))
			return;
		list_unlink(at);
		uplink_send(pass->context->uplink, &message, -1);
	}
}

static void report_growing(struct pass *pass)
{
	list_for_each(at, following, &pass->group.growing) {
		const struct balancer *balancer = container_of(at, struct balancer, growing_link);
		const struct channel_message message = {
			.type = CHANNEL_GROW,
			.grow = { (uint32_t)balancer->common.service->settings->index },
		};

		if (!throttle_lets_requests(pass->context->throttle))
			return;
		list_unlink(at);
		uplink_send(pass->context->uplink, &message, -1);
	}
}

void pass_report(struct pass *pass)
{
	if (pass->context->mode == MODE_HALTED)
		return;
	report_dismissed(pass);
	report_growing(pass);
}

bool pass_is_over(const struct pass *pass)
{
	return !list_is_linked(&pass->group.dismissed) && pass->group.n_processes == 0;
}

static int prepare_service(struct front_service *service)
{
	const struct startup_pool *startup =
		&service->context->startup->pools[service->settings->index];
	struct pass *pass = service->owner;
	struct balancer *balancer;

	balancer = balancer_new(&pass->group, service, startup->table);
	if (!balancer)
		return -ENOMEM;
	balancer->may_grow = startup->may_grow;
	service->data = balancer;
	return 0;
}

static void forget_service(struct front_service *service)
{
	balancer_free(service->data);
	service->data = NULL;
}

static int prepare(struct front_listener *listener)
{
	listener->data = calloc(1, sizeof(struct arrival));
	return listener->data ? 0 : -ENOMEM;
}

static void forget(struct front_listener *listener)
{
	free(listener->data);
	listener->data = NULL;
}

static bool has_room(const struct front_listener *listener)
{
	return balancer_has_room(listener->service->data);
}

static void wait_for_room(struct front_listener *listener)
{
	throttle_pause_full(listener);
	balancer_grow(listener->service->data);
}

/* Asks the kernel for every client only if the listener has a wildcard address. */
static void find_local(struct address *out, struct front_listener *listener, int fd)
{
	struct arrival *arrival = listener->data;

	if (!arrival->known && listener_address(listener->listener, &arrival->address) == 0) {
		arrival->known = true;
		arrival->is_any = address_is_wildcard(&arrival->address);
	}
	*out = arrival->address;
	if (!arrival->is_any)
		return;
	out->length = sizeof(out->un);
	if (getsockname(fd, &out->any, &out->length) < 0)
		*out = arrival->address;
}

static void admitted(struct front_listener *listener, int fd, const struct address *peer)
{
	struct pass_client client = {
		.fd = fd,
		.type = listener->listener->endpoint.type,
		.peer = *peer,
	};

	find_local(&client.local, listener, fd);
	balancer_give(listener->service->data, &client);
}

static void on_process(struct balancer *balancer, const struct channel_process *process, int fd)
{
	const struct front_service *service = balancer->common.service;
	int r;

	if (service->context->mode >= MODE_DRAINING) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* The process is new, so clients in its row are those of an earlier process. */
	balancer_end_orphans(balancer, process->index);
	r = balancer_add(balancer, process->index, process->pid, fd);
	if (r < 0)
		log_service(LOG_ERR, service->settings->name, r, "cannot use its program (pid %ld)",
			    (long)process->pid);
	balancer_update(balancer);
}

/* CHANNEL_POOL, _PROCESS, _PROCESS_GONE and _LEAVE. */
static void on_message(struct front_service *service, const struct channel_message *message, int fd)
{
	struct balancer *balancer = service->data;
	struct pass_process *process;

	switch (message->type) {
	case CHANNEL_POOL:
		balancer->may_grow = message->pool.may_grow;
		balancer_update(balancer);
		break;
	case CHANNEL_PROCESS:
		on_process(balancer, &message->process, fd);
		break;
	case CHANNEL_PROCESS_GONE:
		process = balancer_find(balancer, message->process_gone.index);
		if (process)
			balancer_on_gone(process, message->process_gone.status);
		break;
	case CHANNEL_LEAVE:
		process = balancer_find(balancer, message->leave.index);
		if (process)
			balancer_leave(process);
		break;
	default:
		break;
	}
}

static void halt(struct front_service *service)
{
	balancer_halt(service->data);
}

static void resume(struct front_service *service)
{
	balancer_resume(service->data);
}

static void drain(struct front_service *service, bool has_successor)
{
	balancer_drain(service->data, has_successor);
}

static void end_clients(struct front_service *service)
{
	balancer_end_clients(service->data);
}

const struct dispatch pass_dispatch = {
	.flags = DISPATCH_CONNECTION_TAKES_FD,
	.prepare_service = prepare_service,
	.prepare = prepare,
	.forget = forget,
	.forget_service = forget_service,
	.on_connection = accept_on_ready,
	.has_room = has_room,
	.wait_for_room = wait_for_room,
	.admitted = admitted,
	.on_service_message = on_message,
	.halt = halt,
	.resume = resume,
	.drain = drain,
	.end_clients = end_clients,
};
