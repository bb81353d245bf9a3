#include "keeper/child/wait.h"

#include <signal.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/child/request.h"
#include "keeper/exec/launch.h"
#include "keeper/exec/program.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/listen/listener-table.h"
#include "keeper/listen/socket-record.h"
#include "keeper/service/generation.h"
#include "net/closer.h"

/* Not with a program already, nor closed because superd stops. */
static bool is_free(const struct listener *listener)
{
	return !listener->busy && listener->fd >= 0;
}

static const struct spawn_plan *plan_for(struct request *request, struct launch *launch,
					 const struct listener *listener)
{
	(void)listener_address(listener, &request->local);
	address_unmap(&request->local);
	return program_for_listener(request->generation->programs[request->service],
				    &launch->buffer, request_endpoint(request)->type,
				    &request->local);
}

/* The listener may have been opened anew since the request got its copy. */
static bool is_copy_of(const struct listener *listener, int fd)
{
	struct stat theirs, ours;

	return fd >= 0 && fstat(listener->fd, &theirs) == 0 && fstat(fd, &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/*
 * A copy for the launch, because the listener may be closed meanwhile. Returns 0 or a negative
 * errno.
 */
static int copy_listener(struct request *request, const struct listener *listener)
{
	if (is_copy_of(listener, request->fd))
		return 0;
	closer_release(take_fd(request->fd));
	request->fd = fd_duplicate(listener->fd);
	return request->fd < 0 ? request->fd : 0;
}

static pid_t run(struct request *request, struct child *child, const struct unread *unread,
		 struct spawn_failure *failure)
{
	struct listener *listener = request_bound(request)->listener;
	struct spawn_descriptors descriptors = { 0 };
	pid_t pid;
	int r;

	if (!is_free(listener))
		return 0;
	child->ends_at_stop = request_service(request)->program.at_stop == AT_STOP_END;
	r = copy_listener(request, listener);
	if (r == 0)
		r = socket_record_renew(&request_bound(request)->lent, listener->fd);
	if (r < 0) {
		*failure = (struct spawn_failure){ .step = SPAWN_DESCRIPTORS, .error = -r };
		return r;
	}
	child->other = request->fd;
	descriptors.in = descriptors.out = request->fd;
	descriptors.others = &child->other;
	descriptors.n_others = 1;
	(void)fd_set_blocking(listener->fd, true);
	pid = request_launch(request, child->launch, plan_for(request, child->launch, listener),
			     &descriptors, failure);
	listener->busy = pid > 0;
	if (pid < 0)
		(void)fd_set_blocking(listener->fd, false);
	return pid;
}

static void take_back(struct request *request)
{
	struct listener *listener = request_bound(request)->listener;

	listener->busy = false;
	(void)fd_set_blocking(listener->fd, false);
}

/* Tells each front to watch @bound again, in the numbers of its own generation. */
static void tell_released(struct fronts *fronts, const struct service_record *record,
			  const struct bound_listener *bound, int status, int64_t lived_us)
{
	struct channel_message message = {
		.type = CHANNEL_RELEASED,
		.released.status = status,
		.released.lived_ms = lived_us / 1000 > INT32_MAX ? INT32_MAX : lived_us / 1000,
	};

	list_for_each(at, next, &fronts->list) {
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

static void settle(struct fronts *fronts, struct service_record *record,
		   struct bound_listener *bound, int status, int64_t lived_us)
{
	if (!bound)
		return;
	bound->listener->busy = false;
	/* When superd stops it is closed. */
	if (bound->listener->fd < 0)
		return;
	/* The program had it blocking, and may have left it so. */
	(void)fd_set_blocking(bound->listener->fd, bound->policy.options.blocking);
	listener_table_verify(bound);
	tell_released(fronts, record, bound, status, lived_us);
}

const struct request_kind wait_request = {
	.type = CHANNEL_WAIT,
	.dispatch = DISPATCH_WAIT,
	.run = run,
	.take_back = take_back,
	.settle = settle,
};

/* Once: a second TERM would hurry a program that finishes its clients. */
static void end(struct child *child)
{
	if (!child->ends_at_stop)
		return;
	child->ends_at_stop = false;
	child->by_superd = true;
	log_service(LOG_INFO, child->record->name, 0, "ending pid %ld, which has its socket",
		    (long)child->pid);
	kill(child->pid, SIGTERM);
}

void wait_stop(const struct children *children)
{
	list_for_each(at, next, &children->list)
		end(container_of(at, struct child, link));
}

/* Whether @generation would lend the listener to the program of the same service. */
static bool stays(const struct child *child, const struct generation *generation)
{
	int64_t service = generation_service(generation, child->record);

	return service >= 0 && child->bound &&
	       dispatch_has(generation->settings->services[service].dispatch,
			    DISPATCH_LENDS_LISTENER) &&
	       generation_endpoint(generation, (size_t)service, child->bound) >= 0;
}

void wait_follow(const struct children *children, const struct generation *generation)
{
	list_for_each(link, next, &children->list) {
		struct child *at = container_of(link, struct child, link);

		if (!stays(at, generation))
			end(at);
	}
}
