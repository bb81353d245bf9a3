#include "keeper/child/start.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/stats.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/child/child-log.h"
#include "keeper/fronts/front.h"
#include "keeper/child/unread.h"
#include "keeper/pool/pool.h"
#include "keeper/exec/program.h"
#include "keeper/exec/reply-socket.h"
#include "keeper/child/request.h"
#include "keeper/exec/spawn.h"
#include "keeper/state.h"

/* As a shell would say of a program that it could not run. */
#define STATUS_NOT_STARTED (127 << 8)

DEFINE_AUTO(struct child, child_free);

static const struct service *service_of(const struct request *request)
{
	return &request->generation->settings->services[request->service];
}

static struct service_record *record_of(const struct request *request)
{
	return request->generation->records[request->service];
}

/* Tells the front that is to watch @bound again, in the numbers of its own generation. */
static void tell_released(struct keeper *keeper, const struct service_record *record,
			  const struct bound_listener *bound, int status, int64_t lived_us)
{
	struct channel_message message = {
		.type = CHANNEL_RELEASED,
		.released.status = status,
		.released.lived_ms = lived_us / 1000 > INT32_MAX ? INT32_MAX : lived_us / 1000,
	};

	list_for_each(at, next, &keeper->fronts.list) {
		struct front *front = container_of(at, struct front, link);
		int64_t endpoint;

		if (!front_counts(front))
			continue;
		endpoint = generation_find(front->generation, record, bound);
		if (endpoint < 0)
			continue;
		message.released.endpoint = (uint32_t)endpoint;
		front_send(front, &message, -1);
	}
}

static void release_listener(struct keeper *keeper, const struct service_record *record,
			     struct bound_listener *bound, int status, int64_t lived_us)
{
	bound->listener->busy = false;
	/* The program had it blocking, and may have left it so. */
	(void)fd_set_blocking(bound->listener->fd, bound->options.blocking);
	tell_released(keeper, record, bound, status, lived_us);
}

static bool wants_stderr_socket(const struct service *service)
{
	return service->program.stderr_to == STDERR_SOCKET;
}

/* The descriptor for standard error; @own is what the program has on 1. */
static int stderr_for(const struct request *request, int own)
{
	const struct service *service = service_of(request);

	if (wants_stderr_socket(service))
		return own;
	if (service->program.stderr_to == STDERR_LOG)
		return record_of(request)->stderr_write;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void close_stderr(const struct request *request, int fd)
{
	if (service_of(request)->program.stderr_to == STDERR_NULL && fd >= 0)
		close(fd);
}

static const struct spawn_plan *program_for(struct request *request)
{
	struct generation *generation = request->generation;
	struct program *program = generation->programs[request->service];
	const struct endpoint *endpoint =
		settings_endpoint(generation->settings, request->endpoint);

	if (request->type != CHANNEL_WAIT)
		return program_for_client(program, endpoint->type, &request->peer, &request->local);

	(void)listener_address(generation->listeners[request->endpoint], &request->local);
	address_unmap(&request->local);
	return program_for_listener(program, endpoint->type, &request->local);
}

void request_give_up(struct keeper *keeper, const struct request *request,
		     const struct spawn_failure *failure)
{
	struct service_record *record = record_of(request);

	record->live--;
	atomic_fetch_add(&keeper->stats[record->number].failed, 1);
	log_not_started(keeper, record, service_of(request), &request->peer, failure);
	if (request->type == CHANNEL_WAIT)
		release_listener(keeper, record, request->generation->bound[request->endpoint],
				 STATUS_NOT_STARTED, 0);
	else
		fronts_note_ended(&keeper->fronts, record);
}

static int run(struct request *request, struct spawn_descriptors *descriptors,
	       struct spawn_failure *failure)
{
	pid_t pid;

	descriptors->err = stderr_for(request, descriptors->out);
	if (descriptors->err < 0) {
		*failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, errno };
		return -errno;
	}
	pid = spawn(program_for(request), descriptors, failure);
	close_stderr(request, descriptors->err);
	return pid;
}

static pid_t run_connection(struct request *request, struct spawn_failure *failure)
{
	struct spawn_descriptors descriptors = { .in = request->fd, .out = request->fd };

	return run(request, &descriptors, failure);
}

static pid_t run_wait(struct request *request, struct spawn_failure *failure)
{
	struct listener *listener = request->generation->listeners[request->endpoint];
	int again = listener->fd;
	struct spawn_descriptors descriptors = {
		.in = listener->fd,
		.out = listener->fd,
		.others = &again,
		.n_others = 1,
	};
	pid_t pid;

	(void)fd_set_blocking(listener->fd, true);
	pid = run(request, &descriptors, failure);
	listener->busy = pid > 0;
	if (pid < 0)
		(void)fd_set_blocking(listener->fd, false);
	return pid;
}

/*
 * Between bind() and connect() the new socket takes datagrams of anybody: those are
 * passed to the front at once. Later ones of the same sender belong to the program.
 */
static pid_t run_datagram(struct keeper *keeper, struct request *request, struct child *child,
			  struct spawn_failure *failure)
{
	struct spawn_descriptors descriptors = { .in = request->fd };
	struct reply_socket reply;
	int r;

	r = reply_socket_open(&reply, request->generation->listeners[request->endpoint],
			      &request->peer, &request->local);
	if (r < 0) {
		*failure = (struct spawn_failure){ SPAWN_CONNECT, -r };
		return r;
	}
	descriptors.out = reply.fd;
	descriptors.connect_to = reply.child_connects ? &request->peer : NULL;
	child->unread = reply.fd;
	reserve_fd_retain(&keeper->reserve);
	unread_pass(keeper, child);
	return run(request, &descriptors, failure);
}

static pid_t run_request(struct keeper *keeper, struct request *request, struct child *child,
			 struct spawn_failure *failure)
{
	switch (request->type) {
	case CHANNEL_WAIT:
		return run_wait(request, failure);
	case CHANNEL_DATAGRAM:
		return run_datagram(keeper, request, child, failure);
	default:
		return run_connection(request, failure);
	}
}

/* Everything that the child's end needs, known before it starts. */
static void describe(struct child *child, const struct request *request)
{
	child->record = record_of(request);
	child->records = service_of(request)->log_on_success;
	child->started_us = clock_us();
	if (request->type != CHANNEL_WAIT)
		child->peer = request->peer;
	child->owns_listener = request->type == CHANNEL_WAIT;
	if (request->type != CHANNEL_SPAWN)
		child->bound = request->generation->bound[request->endpoint];
}

/* The fronts count one fewer, or watch the listener again. */
static void settle(struct keeper *keeper, const struct child *child, int status, int64_t lived_us)
{
	child->record->live--;
	if (!child->owns_listener)
		fronts_note_ended(&keeper->fronts, child->record);
	else if (child->bound)
		release_listener(keeper, child->record, child->bound, status, lived_us);
}

/* Not with a program already, nor closed because superd stops. */
static bool is_free(const struct request *request)
{
	const struct listener *listener = request->generation->listeners[request->endpoint];

	return !listener->busy && listener->fd >= 0;
}

int request_start(struct keeper *keeper, struct request *request)
{
	AUTO(auto_child_free) struct child *child = child_new();
	struct spawn_failure failure = { SPAWN_PROCESS, ENOMEM };
	pid_t pid = -ENOMEM;

	if (request->type == CHANNEL_WAIT && !is_free(request)) {
		record_of(request)->live--;
		return 0;
	}
	if (child) {
		describe(child, request);
		pid = run_request(keeper, request, child, &failure);
	}
	if (pid < 0) {
		if (child) {
			unread_turn_away(child);
			unread_end(keeper, take_ptr(child));
		}
		if (spawn_may_retry(&failure))
			return -failure.error;
		request_give_up(keeper, request, &failure);
		return 0;
	}

	child->pid = pid;
	if (children_add(&keeper->children, child) < 0) {
		/* It runs, but nobody will know when it ends. */
		log_service(LOG_ERR, child->record->name, -ENOMEM,
			    "cannot remember pid %ld, ignoring", (long)pid);
		settle(keeper, child, 0, 0);
		return 0;
	}
	log_started(child);
	(void)take_ptr(child);
	return 0;
}

void child_ended(struct keeper *keeper, struct child *child, int status)
{
	int64_t lived_us = clock_us() - child->started_us;

	children_remove(&keeper->children, child);
	unread_turn_away(child);
	log_child_ended(child, status, lived_us);
	if (child->process) {
		pool_process_ended(take_ptr(child->process), status, lived_us);
		child_free(child);
		return;
	}

	atomic_fetch_add(&keeper->stats[child->record->number].ended, 1);
	settle(keeper, child, status, lived_us);
	unread_end(keeper, child);
}
