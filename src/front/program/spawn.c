#include "front/program/spawn.h"

#include "front/core/accept.h"
#include "front/core/client-log.h"
#include "front/core/service.h"
#include "front/core/uplink.h"
#include "front/program/spawn-datagram.h"

static void admitted(struct front_listener *listener, int fd, const struct address *peer)
{
	struct front_service *service = listener->service;
	struct channel_message message = {
		.type = CHANNEL_SPAWN,
		.request.service = (uint32_t)service->settings->index,
		.request.endpoint = listener->number,
		.request.peer = *peer,
	};

	service->children++;
	uplink_send(service->context->uplink, &message, fd);
}

static void request_lost(struct front_service *service, const struct channel_message *message,
			 int error)
{
	if (message->type != CHANNEL_SPAWN && message->type != CHANNEL_DATAGRAM)
		return;
	service_children_ended(service, 1);
	log_lost(service->settings, &message->request.peer, error, "cannot ask for its program");
}

const struct dispatch spawn_dispatch = {
	.flags = DISPATCH_ASKS_KEEPER | DISPATCH_CONNECTION_TAKES_FD | DISPATCH_DATAGRAM_TAKES_FD,
	.prepare_service = spawn_datagram_prepare_service,
	.prepare = spawn_datagram_prepare,
	.forget_service = spawn_datagram_forget_service,
	.on_connection = accept_on_ready,
	.on_datagram = spawn_datagram_on_ready,
	.admitted = admitted,
	.slot_returned = spawn_datagram_slot_returned,
	.request_lost = request_lost,
	.on_listener_message = spawn_datagram_unread,
	.drain = spawn_datagram_drain,
};
