#include "keeper/child/front-requests.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/child/connection.h"
#include "keeper/child/datagram.h"
#include "keeper/child/failures.h"
#include "keeper/child/request.h"
#include "keeper/child/requests.h"
#include "keeper/child/wait.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"
#include "net/closer.h"

static const struct request_kind *const kinds[] = {
	&connection_request,
	&datagram_request,
	&wait_request,
};

/* For a request that comes when so many programs run as the service may have. */
static void refuse(struct requests *requests, struct request *request)
{
	const struct spawn_failure failure = { .step = SPAWN_INSTANCES };

	requests_refuse(requests, request, &failure);
	request_fini(request);
}

/*
 * The same when the client has gone. What it had sent could still be read, but the kernel does not
 * know its address any more, and the front may say any.
 */
static void forget_client(struct requests *requests, struct request *request)
{
	const struct log_fields fields = { .service = request_service(request)->name,
					   .event = "lost" };

	if (request_service(request)->log_on_failure)
		log_event(LOG_INFO, &fields, 0,
			  "service '%s': a client had gone before its program could be started",
			  request_service(request)->name);
	requests_settle_unstarted(requests, request);
	request_fini(request);
}

/* The check */

static const struct request_kind *find_kind(uint32_t type, enum dispatch_kind dispatch)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->type == type && kinds[i]->dispatch == dispatch)
			return kinds[i];
	return NULL;
}

/* A front that drains after a reload has no generation, and must not send requests. */
static bool names_endpoint(const struct request *request)
{
	const struct generation *generation = request->generation;

	return generation && request->endpoint < generation->n_bound &&
	       settings_service_of(generation->settings, request->endpoint)->index ==
		       request->service;
}

/* Returns 1, 0 if the client has gone, or -EBADMSG. */
static int check(struct request *request, uint32_t type)
{
	if (!names_endpoint(request))
		return -EBADMSG;
	service_debug(request_service(request), "launch: asked for by a client of %s",
		      request_endpoint(request)->text);
	request->kind = find_kind(type, request_service(request)->dispatch);
	if (!request->kind)
		return -EBADMSG;
	return request->kind->check ? request->kind->check(request) : 1;
}

/*
 * The request is counted already. No honest front asks for more than `instances`: it counts the
 * same programs, and never fewer than run. But its count is too low for a moment when the front
 * before it was killed while it had requests on the way. So the front is believed, and the client
 * is refused.
 */
static bool is_too_many(const struct request *request)
{
	return request->kind->has_client &&
	       request_record(request)->live > request_service(request)->instances;
}

static int reject(struct request *request)
{
	closer_close(take_fd(request->fd));
	request_fini(request);
	return -EBADMSG;
}

/* Takes over what @request has. */
static void add(struct requests *requests, struct request *request)
{
	const struct spawn_failure failure = { .step = SPAWN_PROCESS, .error = ENOMEM };
	struct request *copy = request_copy(request);

	if (copy) {
		if (copy->fd >= 0)
			reserve_fd_retain(requests->reserve);
		requests_add(requests, copy);
		return;
	}
	requests_refuse(requests, request, &failure);
	request_fini(request);
}

int requests_handle(struct requests *requests, struct front *front,
		    const struct channel_message *message, int fd)
{
	struct request request = {
		.service = message->request.service,
		.endpoint = message->request.endpoint,
		.peer = message->request.peer,
		.local = message->request.local,
		.fd = fd,
	};
	int r;

	if (front->generation)
		request.generation = generation_ref(front->generation);
	r = check(&request, message->type);
	if (r < 0)
		return reject(&request);

	if (!request.kind->has_client)
		request.peer.length = 0;
	address_unmap(&request.peer);
	request_record(&request)->live++;
	service_debug(request_service(&request), "launch%s: %s; programs of the service %u",
		      request_client(&request), r == 0 ? "the client has gone" : "checked",
		      request_record(&request)->live);
	if (r == 0)
		forget_client(requests, &request);
	else if (is_too_many(&request))
		refuse(requests, &request);
	else
		add(requests, &request);
	return 0;
}
