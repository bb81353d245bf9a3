#include "keeper/child/requests.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/channel.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/child/connection.h"
#include "keeper/child/datagram.h"
#include "keeper/child/failures.h"
#include "keeper/child/request.h"
#include "keeper/child/wait.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"

/* The status with which a shell reports a program that it cannot run. */
#define STATUS_NOT_STARTED (127 << 8)

static const struct request_kind *const kinds[] = {
	&connection_request,
	&datagram_request,
	&wait_request,
};

DEFINE_AUTO(struct child, child_free);

/* The end */

static void on_ended(struct child *child, int status, int64_t lived_us)
{
	struct requests *requests = child->owner;

	unread_turn_away(child);
	child_log_end(child, status, lived_us);
	atomic_fetch_add(&requests->stats[child->record->number].ended, 1);
	child->record->live--;
	child->kind->settle(requests->fronts, child->record, child->bound, status, lived_us);
	unread_end(&requests->unread, child);
}

/* The program will not be started. The fronts count one child fewer. */
static void settle_unstarted(struct requests *requests, const struct request *request)
{
	struct service_record *record = request_record(request);

	record->live--;
	request->kind->settle(requests->fronts, record, request_bound(request), STATUS_NOT_STARTED,
			      0);
}

/* The same after an attempt: logs the failed step. */
static void give_up(struct requests *requests, const struct request *request,
		    const struct spawn_failure *failure)
{
	failures_note(requests->failures, request_record(request), request_service(request),
		      &request->peer, failure);
	settle_unstarted(requests, request);
}

void requests_give_up(struct requests *requests)
{
	const struct spawn_failure failure = { SPAWN_PROCESS, EAGAIN };
	struct request *request;

	while ((request = shortage_take(&requests->shortage))) {
		give_up(requests, request, &failure);
		request_free(request);
	}
}

/* The start */

/* Fills in, before the child starts, all that is needed when it ends. */
static void describe(struct child *child, struct requests *requests, const struct request *request)
{
	child->record = request_record(request);
	child->records = request_service(request)->log_on_success;
	child->started_us = clock_us();
	child->peer = request->peer;
	child->ended = on_ended;
	child->owner = requests;
	child->kind = request->kind;
	child->bound = request_bound(request);
}

/* The program of @child runs. */
static void add(struct requests *requests, struct child *child, pid_t pid)
{
	child->pid = pid;
	if (children_add(requests->children, child) == 0) {
		child_log_start(child);
		return;
	}
	/* The program runs, but its end will not be noticed. */
	log_service(LOG_ERR, child->record->name, -ENOMEM, "cannot remember pid %ld, ignoring",
		    (long)pid);
	child->record->live--;
	child->kind->settle(requests->fronts, child->record, child->bound, 0, 0);
	child_free(child);
}

static pid_t run(struct requests *requests, struct request *request, struct child *child,
		 struct spawn_failure *failure)
{
	pid_t pid;

	describe(child, requests, request);
	pid = request->kind->run(request, child, &requests->unread, failure);
	if (child->unread >= 0)
		reserve_fd_retain(requests->reserve);
	return pid;
}

/* The program was not started, and the request may be tried again. */
static void forget(struct requests *requests, struct child *child)
{
	unread_turn_away(child);
	unread_end(&requests->unread, child);
}

/*
 * Returns 0 when the program runs, or when it never will, which is logged and told to the fronts.
 * Returns a negative errno when the machine is short of something, and the request may be tried
 * again. The caller keeps the request.
 */
static int start(struct requests *requests, struct request *request)
{
	AUTO(auto_child_free) struct child *child = child_new();
	struct spawn_failure failure = { SPAWN_PROCESS, ENOMEM };
	pid_t pid = -ENOMEM;

	if (child)
		pid = run(requests, request, child, &failure);
	if (pid > 0) {
		add(requests, take_ptr(child), pid);
		return 0;
	}
	if (child)
		forget(requests, take_ptr(child));
	if (pid == 0)
		request_record(request)->live--;
	else if (spawn_may_retry(&failure))
		return -failure.error;
	else
		give_up(requests, request, &failure);
	return 0;
}

static int retry(struct shortage *shortage, struct request *request)
{
	return start(container_of(shortage, struct requests, shortage), request);
}

/* Takes over the descriptor and the generation of @request. */
static void start_or_wait(struct requests *requests, struct request *request)
{
	int r = -EAGAIN;

	if (!shortage_has_waiting(&requests->shortage))
		r = start(requests, request);
	if (r < 0 && shortage_add(&requests->shortage, request, r) < 0) {
		const struct spawn_failure failure = { SPAWN_PROCESS, ENOMEM };

		give_up(requests, request, &failure);
		r = 0;
	}
	if (r == 0)
		request_fini(request);
}

/* The same for a request that comes when so many programs run as the service may have. */
static void refuse(struct requests *requests, struct request *request)
{
	const struct spawn_failure failure = { SPAWN_INSTANCES, 0 };

	give_up(requests, request, &failure);
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
	settle_unstarted(requests, request);
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
	if (request->fd >= 0)
		fd_discard(take_fd(request->fd));
	request_fini(request);
	return -EBADMSG;
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
	if (r == 0)
		forget_client(requests, &request);
	else if (is_too_many(&request))
		refuse(requests, &request);
	else
		start_or_wait(requests, &request);
	return 0;
}

void requests_lose(struct requests *requests, const struct front *front,
		   const struct channel_message *message)
{
	const struct spawn_failure failure = { SPAWN_DESCRIPTORS, EMFILE };
	const struct generation *generation = front->generation;
	uint32_t service = message->request.service;
	struct service_record *record;

	if (!generation || service >= generation->n_records || !generation->programs[service])
		return;
	/* Other types have something else where a request has the address of its client. */
	if (!find_kind(message->type, generation->settings->services[service].dispatch))
		return;
	record = generation->records[service];
	failures_note(requests->failures, record, &generation->settings->services[service],
		      &message->request.peer, &failure);
	fronts_note_ended(requests->fronts, record);
}

/* Life */

void requests_init(struct requests *requests, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve, struct children *children, struct failures *failures,
		   struct service_stats *stats)
{
	*requests = (struct requests){
		.fronts = fronts,
		.reserve = reserve,
		.children = children,
		.failures = failures,
		.stats = stats,
	};
	shortage_init(&requests->shortage, timers, fronts, reserve, retry);
	unread_init(&requests->unread, fronts);
}

void requests_fini(struct requests *requests)
{
	struct request *request;

	while ((request = shortage_take(&requests->shortage)))
		request_free(request);
	timer_cancel(&requests->shortage.timer);
	unread_fini(&requests->unread);
}

void requests_abandon(struct requests *requests)
{
	shortage_abandon(&requests->shortage);
	unread_abandon(&requests->unread);
	for (struct child *at = requests->children->by_pid; at; at = at->hh.next)
		if (at->unread >= 0)
			close(at->unread);
}
