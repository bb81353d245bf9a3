#include "keeper/child/requests.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/child/failures.h"
#include "keeper/child/request.h"
#include "keeper/exec/launches.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/service/service-record.h"

/* The status with which a shell reports a program that it cannot run. */
#define STATUS_NOT_STARTED (127 << 8)

/* The end */

void requests_settle_unstarted(struct requests *requests, const struct request *request)
{
	struct service_record *record = request_record(request);

	record->live--;
	request->kind->settle(requests->fronts, record, request_bound(request), STATUS_NOT_STARTED,
			      0);
}

void requests_refuse(struct requests *requests, const struct request *request,
		     const struct spawn_failure *failure)
{
	failures_note(requests->failures, request_record(request), request_service(request),
		      &request->peer, failure);
	requests_settle_unstarted(requests, request);
}

/* Without a number in reserve, no messages are read. */
static void give_back_number(struct requests *requests, int fd)
{
	bool held = reserve_fd_is_held(requests->reserve);

	reserve_fd_take_over(requests->reserve, fd);
	if (!held)
		fronts_listen(requests->fronts);
}

/* @request is over: its program runs, or never will. Frees it. */
static void conclude(struct requests *requests, struct request *request)
{
	bool on_trial = request->on_trial;

	if (request->fd >= 0)
		give_back_number(requests, take_fd(request->fd));
	request_free(request);
	if (on_trial)
		shortage_tried(&requests->shortage, 0);
}

static void give_up_waiting(struct requests *requests, struct request *request)
{
	const struct spawn_failure failure = { .step = SPAWN_PROCESS, .error = EAGAIN };

	requests_refuse(requests, request, &failure);
	request_free(request);
}

void requests_give_up(struct requests *requests)
{
	struct request *request;

	while ((request = shortage_take(&requests->shortage)))
		give_up_waiting(requests, request);
	while ((request = request_queue_take_any(&requests->queue)))
		give_up_waiting(requests, request);
}

/* The program of @child was not started. */
static void forget(struct requests *requests, struct child *child)
{
	unread_turn_away(child);
	unread_end(&requests->unread, child);
}

/* The launch of @request is over, without a program. */
static void take_back(struct request *request)
{
	if (request->kind->take_back)
		request->kind->take_back(request);
}

/* The machine is short of something: @request waits, and is tried again. */
static void wait_for_relief(struct requests *requests, struct request *request, int error)
{
	bool on_trial = request->on_trial;

	service_debug(request_service(request), "launch%s: waits until the machine has room",
		      request_client(request));
	take_back(request);
	shortage_add(&requests->shortage, request, error);
	request->on_trial = false;
	if (on_trial)
		shortage_tried(&requests->shortage, error);
}

/* Also of a launch that is tried again. */
static void debug_failure(const struct request *request, const struct child *child,
			  const struct spawn_failure *failure)
{
	service_debug(request_service(request), "launch%s: failed as pid %ld after %lld us: %s: %s",
		      request_client(request), (long)child->pid,
		      (long long)(clock_us() - child->started_us), spawn_step_text(failure->step),
		      strerror(failure->error));
}

/* Its listener is used no more, so it was told to end. Returns whether that is why it did. */
static bool was_told_to_end(const struct child *child, const struct spawn_failure *failure)
{
	bool told = child->by_superd && failure->signal == SIGTERM;

	if (told)
		log_service(LOG_INFO, child->record->name, 0,
			    "ended pid %ld before its program ran", (long)child->pid);
	return told;
}

/* Frees the child. */
static void on_not_started(struct launch *launch, const struct spawn_failure *failure)
{
	struct child *child = launch->owner;
	struct requests *requests = child->owner;
	struct request *request = take_ptr(child->request);
	bool told_to_end = was_told_to_end(child, failure);

	child->launch = NULL;
	debug_failure(request, child, failure);
	forget(requests, child);
	if (!told_to_end && spawn_may_retry(failure)) {
		wait_for_relief(requests, request, -failure->error);
		return;
	}
	if (failure->timed_out || told_to_end)
		requests_settle_unstarted(requests, request);
	else
		requests_refuse(requests, request, failure);
	conclude(requests, request);
}

static void on_executed(struct launch *launch)
{
	struct child *child = launch->owner;

	child->launch = NULL;
	service_debug(request_service(child->request),
		      "launch%s: executed '%s' as pid %ld after %lld us",
		      request_client(child->request), request_service(child->request)->program.path,
		      (long)child->pid, (long long)(clock_us() - child->started_us));
	child_log_start(child);
	conclude(child->owner, take_ptr(child->request));
}

/* The client has gone when the child is reaped, and that may take as long as it likes. */
static void on_overdue(struct launch *launch, const struct spawn_failure *failure)
{
	const struct child *child = launch->owner;
	const struct requests *requests = child->owner;

	failures_note(requests->failures, child->record, request_service(child->request),
		      &child->peer, failure);
	service_debug(request_service(child->request),
		      "launch%s: took too long as pid %ld; pause before the next %lld ms",
		      request_client(child->request), (long)child->pid,
		      (long long)launches_pause_ms(&child->record->launches));
}

static const struct launch_events launch_events = {
	.executed = on_executed,
	.not_started = on_not_started,
	.overdue = on_overdue,
};

static void on_ended(struct child *child, int status, int64_t lived_us)
{
	struct requests *requests = child->owner;

	if (child->launch && !launches_reaped(child->launch, status))
		return;
	unread_turn_away(child);
	child_log_end(child, status, lived_us);
	atomic_fetch_add(&requests->stats[child->record->number].ended, 1);
	child->record->live--;
	child->kind->settle(requests->fronts, child->record, child->bound, status, lived_us);
	unread_end(&requests->unread, child);
}

/* The start */

/* Fills in, before the child starts, all that is needed when it ends. */
static void describe(struct child *child, struct requests *requests, struct request *request)
{
	child->record = request_record(request);
	child->records = request_service(request)->log_on_success;
	child->started_us = clock_us();
	child->peer = request->peer;
	child->program = strdup(request_service(request)->program.path);
	child->ended = on_ended;
	child->owner = requests;
	child->kind = request->kind;
	child->bound = request_bound(request);
	child->launch->events = &launch_events;
	child->launch->owner = child;
}

/* As struct request_kind has it. */
static pid_t run(struct requests *requests, struct request *request, struct child *child,
		 struct spawn_failure *failure)
{
	pid_t pid;

	describe(child, requests, request);
	pid = request->kind->run(request, child, &requests->unread, failure);
	child->local = request->local;
	if (child->unread >= 0)
		reserve_fd_retain(requests->reserve);
	return pid;
}

/* Returns a child with a launch, or NULL when memory is short. */
static struct child *prepare(struct requests *requests, const struct request *request)
{
	struct child *child = child_new();

	if (!child)
		return NULL;
	child->launch = launches_take(requests->launches, &request_record(request)->launches,
				      LAUNCH_FOR_CLIENT,
				      request_service(request)->program.launch_timeout_ms);
	if (child->launch)
		return child;
	child_free(child);
	return NULL;
}

/* Begins the launch of @child. As struct request_kind has it. */
static pid_t begin(struct requests *requests, struct request *request, struct child *child,
		   struct spawn_failure *failure)
{
	child->pid = run(requests, request, child, failure);
	if (child->pid > 0) {
		children_add(requests->children, child);
		child->request = request;
		service_debug(request_service(request), "launch%s: cloned as pid %ld; under way %u",
			      request_client(request), (long)child->pid,
			      launches_count_quick(requests->launches));
	}
	return child->pid;
}

/*
 * Returns 1 when the launch of @request is under way; 0 when it was freed, because no program is
 * needed, or none can ever be started, which is logged and told to the fronts; or a negative errno
 * when the machine is short of something, and the request may be tried again.
 */
static int start(struct requests *requests, struct request *request)
{
	struct child *child = prepare(requests, request);
	struct spawn_failure failure = { .step = SPAWN_PROCESS, .error = ENOMEM };
	pid_t pid = -ENOMEM;

	if (child)
		pid = begin(requests, request, child, &failure);
	if (pid > 0)
		return 1;
	if (child) {
		launches_return(take_ptr(child->launch));
		child->pid = 0;
		forget(requests, child);
	}
	service_debug(request_service(request), "launch%s: not begun: %s: %s",
		      request_client(request),
		      pid == 0 ? "no program is needed" : spawn_step_text(failure.step),
		      pid == 0 ? "it runs" : spawn_failure_reason(&failure));
	if (pid < 0 && spawn_may_retry(&failure))
		return -failure.error;
	if (pid == 0)
		request_record(request)->live--;
	else
		requests_refuse(requests, request, &failure);
	request_free(request);
	return 0;
}

static int retry(struct shortage *shortage, struct request *request)
{
	struct requests *requests = container_of(shortage, struct requests, shortage);
	int r;

	/* That has nothing to do with the shortage. */
	if (!launches_allow(requests->launches, &request_record(request)->launches)) {
		request_queue_add(&requests->queue, request);
		return 0;
	}
	if (!launches_have_room(requests->launches, LAUNCH_FOR_CLIENT))
		return -EAGAIN;
	request->on_trial = true;
	r = start(requests, request);
	if (r < 0)
		request->on_trial = false;
	return r;
}

/* Launches have the missing descriptors, and give them back soon. */
static bool are_short_for_a_moment(const struct requests *requests)
{
	return launches_count_quick(requests->launches) > 0;
}

void requests_note_short(struct requests *requests, int error)
{
	if (error != -EMFILE || !are_short_for_a_moment(requests))
		shortage_begin(&requests->shortage, error);
}

/* The reserve was left to launches that became slow. */
static void restore_reserve(struct requests *requests)
{
	if (reserve_fd_is_held(requests->reserve) || shortage_lasts(&requests->shortage) ||
	    are_short_for_a_moment(requests))
		return;
	shortage_restore_reserve(&requests->shortage);
	fronts_listen(requests->fronts);
}

void requests_continue(struct requests *requests)
{
	struct request *request;
	int r;

	restore_reserve(requests);
	while (!shortage_has_waiting(&requests->shortage) &&
	       launches_have_room(requests->launches, LAUNCH_FOR_CLIENT) &&
	       (request = request_queue_take(&requests->queue))) {
		r = start(requests, request);
		if (r < 0)
			shortage_add(&requests->shortage, request, r);
	}
	request_queue_hold_back(&requests->queue);
}

size_t requests_count_waiting(const struct requests *requests)
{
	return requests->shortage.n_waiting + requests->queue.n;
}

void requests_add(struct requests *requests, struct request *request)
{
	const struct spawn_failure failure = { .step = SPAWN_QUEUE };

	if (shortage_has_waiting(&requests->shortage)) {
		shortage_add(&requests->shortage, request, -EAGAIN);
		return;
	}
	if (request_queue_is_full(&requests->queue, request)) {
		requests_refuse(requests, request, &failure);
		request_free(request);
		return;
	}
	service_debug(request_service(request),
		      "launch%s: queued; before it wait %zu, under way %u", request_client(request),
		      requests->queue.n, launches_count_quick(requests->launches));
	request_queue_add(&requests->queue, request);
	/* Some may be over since the last look. */
	if (!launches_have_room(requests->launches, LAUNCH_FOR_CLIENT))
		launches_look(requests->launches);
	requests_continue(requests);
}

/* Life */

void requests_init(struct requests *requests, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve, struct launches *launches, struct children *children,
		   struct failures *failures, struct service_stats *stats)
{
	*requests = (struct requests){
		.fronts = fronts,
		.reserve = reserve,
		.launches = launches,
		.children = children,
		.failures = failures,
		.stats = stats,
	};
	request_queue_init(&requests->queue, launches, fronts);
	shortage_init(&requests->shortage, timers, fronts, reserve, retry);
	unread_init(&requests->unread, fronts);
}

void requests_fini(struct requests *requests)
{
	struct request *request;

	while ((request = shortage_take(&requests->shortage)))
		request_free(request);
	while ((request = request_queue_take_any(&requests->queue)))
		request_free(request);
	shortage_fini(&requests->shortage);
	unread_fini(&requests->unread);
}

void requests_abandon(struct requests *requests)
{
	shortage_abandon(&requests->shortage);
	request_queue_abandon(&requests->queue);
	unread_abandon(&requests->unread);
	list_for_each(link, next, &requests->children->list) {
		struct child *at = container_of(link, struct child, link);

		if (at->unread >= 0)
			close(at->unread);
		if (at->request && at->request->fd >= 0)
			close(at->request->fd);
	}
}
