#include "keeper/pool/pool-start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child/child.h"
#include "keeper/exec/program.h"
#include "keeper/exec/spawn.h"
#include "keeper/fronts/reserve-fd.h"
#include "keeper/pool/pool-state.h"
#include "keeper/service/generation.h"

DEFINE_AUTO(struct child, child_free);
DEFINE_AUTO(struct process, process_free);

static pid_t fail(struct spawn_failure *out_failure, int error)
{
	*out_failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, error };
	return -error;
}

/* Runs the program with its descriptors 0, and 3 and above. */
static pid_t run(const struct pool *pool, const struct process *process,
		 struct spawn_descriptors *descriptors, const struct address *local,
		 struct spawn_failure *out_failure)
{
	const struct service *service = pool_service(pool);
	const char *notify = service->pool.ready_notify ? process->ready.name : NULL;
	bool to_log = service->program.stderr_to == STDERR_LOG;
	AUTO(auto_close) int null = -1;

	if (!to_log)
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
	descriptors->out = to_log ? pool->handle.record->stderr_write : null;
	if (descriptors->out < 0)
		return fail(out_failure, errno);
	descriptors->err = descriptors->out;
	return spawn(program_for_process(pool->generation->programs[pool->service],
					 service->endpoints[0].type, local, notify),
		     descriptors, out_failure);
}

static pid_t run_with_listeners(const struct pool *pool, const struct process *process,
				struct spawn_failure *out_failure)
{
	const struct service *service = pool_service(pool);
	struct listener **listeners = &pool->generation->listeners[service->first_endpoint];
	AUTO(auto_free) int *fds = calloc(service->n_endpoints, sizeof(*fds));
	struct spawn_descriptors descriptors = { .others = fds,
						 .n_others = (int)service->n_endpoints };
	struct address local;

	if (!fds)
		return -ENOMEM;
	for (size_t i = 0; i < service->n_endpoints; i++) {
		fds[i] = listeners[i]->fd;
		/* Only while no process has the listeners, as all share this flag. */
		if (!list_is_linked(&pool->processes))
			(void)fd_set_blocking(fds[i], true);
	}
	descriptors.in = fds[0];
	(void)listener_address(listeners[0], &local);
	address_unmap(&local);
	return run(pool, process, &descriptors, &local, out_failure);
}

static pid_t run_with_socket(const struct pool *pool, struct process *process,
			     struct spawn_failure *out_failure)
{
	const struct address nowhere = { 0 };
	AUTO(auto_close) int theirs = -1;
	struct spawn_descriptors descriptors;
	int pair[2], again;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(out_failure, errno);
	process->fd = pair[0];
	theirs = again = pair[1];
	(void)fd_set_blocking(process->fd, false);
	reserve_fd_retain(pool->pools->reserve);
	descriptors = (struct spawn_descriptors){ .in = theirs, .others = &again, .n_others = 1 };
	return run(pool, process, &descriptors, &nowhere, out_failure);
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
	child->started_us = clock_us();
}

int pool_start(struct pool *pool, struct process **out, struct spawn_failure *out_failure)
{
	AUTO(auto_child_free) struct child *child = child_new();
	AUTO(auto_process_free) struct process *process = NULL;
	int r;

	*out_failure = (struct spawn_failure){ SPAWN_PROCESS, ENOMEM };
	if (child)
		process = process_new(&pool->handle, &pool->counts, child);
	if (!process)
		return -ENOMEM;
	if (pool->table)
		process->index = take_index(pool);
	describe(child, pool);
	r = listen_for_ready(pool, process);
	if (r < 0)
		return fail(out_failure, -r);
	child->pid = pool->handle.passes ? run_with_socket(pool, process, out_failure)
					 : run_with_listeners(pool, process, out_failure);
	if (child->pid < 0)
		return child->pid;
	if (children_add(pool->pools->children, child) < 0) {
		kill(child->pid, SIGTERM);
		*out_failure = (struct spawn_failure){ SPAWN_PROCESS, ENOMEM };
		return -ENOMEM;
	}
	(void)take_ptr(child);
	*out = take_ptr(process);
	return 0;
}
