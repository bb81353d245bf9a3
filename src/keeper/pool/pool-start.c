#include "keeper/pool/pool-start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/exec/launches.h"
#include "keeper/exec/program.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/pool/pool-state.h"
#include "keeper/service/generation.h"

DEFINE_AUTO(struct process, process_free);

static pid_t fail(struct spawn_failure *out_failure, int error)
{
	*out_failure = (struct spawn_failure){ .step = SPAWN_DESCRIPTORS, .error = -error };
	return error;
}

/* Launches the program with its descriptors 0, and 3 and above. */
static pid_t run(const struct pool *pool, struct process *process, const struct address *local,
		 struct spawn_failure *out_failure)
{
	const struct service *service = pool_service(pool);
	const char *notify = service->pool.ready_notify ? process->ready.name : NULL;
	struct launch *launch = process->child->launch;
	struct process_launch *needs = &process->launch;
	struct spawn_descriptors descriptors = {
		.in = needs->fds[0],
		.others = needs->fds + needs->n_fds,
		.n_others = (int)needs->n_fds,
	};
	pid_t pid;

	memcpy(descriptors.others, needs->fds, needs->n_fds * sizeof(*needs->fds));
	descriptors.out = service->program.stderr_to == STDERR_LOG
				  ? pool->handle.record->stderr_write
				  : launch->launches->null;
	descriptors.err = descriptors.out;
	pid = launch_begin(launch,
			   program_for_process(pool->generation->programs[pool->service],
					       &launch->buffer, service->endpoints[0].type, local,
					       notify),
			   &descriptors);
	if (pid < 0)
		*out_failure = (struct spawn_failure){ .step = SPAWN_PROCESS, .error = -pid };
	return pid;
}

/* Copies for the launch, because the listeners may be closed meanwhile. */
static int copy_listeners(const struct pool *pool, struct process_launch *out)
{
	const struct service *service = pool_service(pool);
	struct listener **listeners = &pool->generation->listeners[service->first_endpoint];

	out->fds = calloc(2 * service->n_endpoints, sizeof(*out->fds));
	if (!out->fds)
		return -ENOMEM;
	for (size_t i = 0; i < service->n_endpoints; i++) {
		int fd = fd_duplicate(listeners[i]->fd);

		if (fd < 0)
			return fd;
		reserve_fd_retain(pool->pools->reserve);
		out->fds[out->n_fds++] = fd;
		/* Only while no process has the listeners, as all share this flag. */
		if (!list_is_linked(&pool->processes))
			(void)fd_set_blocking(fd, true);
	}
	return 0;
}

static pid_t run_with_listeners(const struct pool *pool, struct process *process,
				struct spawn_failure *out_failure)
{
	const struct service *service = pool_service(pool);
	struct address local;
	int r;

	r = copy_listeners(pool, &process->launch);
	if (r < 0)
		return fail(out_failure, r);
	(void)listener_address(pool->generation->listeners[service->first_endpoint], &local);
	address_unmap(&local);
	return run(pool, process, &local, out_failure);
}

static pid_t run_with_socket(const struct pool *pool, struct process *process,
			     struct spawn_failure *out_failure)
{
	const struct address nowhere = { 0 };
	int pair[2];

	process->launch.fds = calloc(2, sizeof(*process->launch.fds));
	if (!process->launch.fds)
		return fail(out_failure, -ENOMEM);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(out_failure, -errno);
	process->fd = pair[0];
	process->launch.fds[0] = pair[1];
	process->launch.n_fds = 1;
	(void)fd_set_blocking(process->fd, false);
	reserve_fd_retain(pool->pools->reserve);
	return run(pool, process, &nowhere, out_failure);
}

static bool is_free(const struct pool *pool, unsigned index)
{
	list_for_each(at, next, &pool->processes)
		if (container_of(at, struct process, link)->index == index)
			return false;
	return true;
}

/* The row that has been free for longest, so that the fronts know that its last process is gone. */
static unsigned take_index(struct pool *pool)
{
	unsigned n = pool->table->n_processes;

	while (!is_free(pool, pool->next_index % n))
		pool->next_index++;
	return pool->next_index++ % n;
}

/* Where the process says that it is ready. Returns 0 or a negative errno. */
static int listen_for_ready(const struct pool *pool, struct process *process)
{
	struct pools *pools = pool->pools;
	int r;

	if (!pool_service(pool)->pool.ready_notify)
		return 0;
	r = ready_open(&process->ready, pools->poller, pools->timers, pools->ready_events);
	if (r == 0)
		reserve_fd_retain(pools->reserve);
	return r;
}

/* Fills in what is known before the process starts. */
static void describe(struct child *child, const struct pool *pool)
{
	child->record = pool->handle.record;
	child->records = pool_service(pool)->log_on_success;
	child->program = strdup(pool_service(pool)->program.path);
	child->started_us = clock_us();
}

/* Returns a child with a launch, or NULL when memory is short. */
static struct child *prepare(struct pool *pool, const struct launch_events *events)
{
	struct child *child = child_new();

	if (!child)
		return NULL;
	child->launch = launches_take(pool->pools->launches, &pool->handle.record->launches,
				      LAUNCH_FOR_POOL,
				      pool_service(pool)->program.launch_timeout_ms);
	if (!child->launch) {
		child_free(child);
		return NULL;
	}
	child->launch->events = events;
	child->launch->owner = child;
	return child;
}

/* Returns 0, or a negative errno and no process is left. */
static int launch(struct pool *pool, struct process *process, struct spawn_failure *out_failure)
{
	struct child *child = process->child;
	int r;

	process->launch.generation = generation_ref(pool->generation);
	process->launch.service = pool_service(pool);
	if (pool->table)
		process->index = take_index(pool);
	describe(child, pool);
	r = listen_for_ready(pool, process);
	if (r < 0)
		return fail(out_failure, r);
	child->pid = pool->handle.passes ? run_with_socket(pool, process, out_failure)
					 : run_with_listeners(pool, process, out_failure);
	if (child->pid < 0)
		return child->pid;
	children_add(pool->pools->children, child);
	return 0;
}

int pool_start(struct pool *pool, const struct launch_events *events, struct process **out,
	       struct spawn_failure *out_failure)
{
	struct child *child = prepare(pool, events);
	AUTO(auto_process_free) struct process *process = NULL;
	int r = -ENOMEM;

	*out_failure = (struct spawn_failure){ .step = SPAWN_PROCESS, .error = ENOMEM };
	if (child)
		process = process_new(&pool->handle, &pool->counts, child);
	if (process)
		r = launch(pool, process, out_failure);
	if (r == 0) {
		*out = take_ptr(process);
		return 0;
	}
	if (child) {
		launches_return(child->launch);
		child_free(child);
	}
	return r;
}
