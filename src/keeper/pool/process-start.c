/* How a process is started: what it finds on its descriptors, and what becomes of a failure. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/child/child-log.h"
#include "keeper/pool/pool.h"
#include "keeper/pool/process.h"
#include "keeper/exec/program.h"
#include "keeper/exec/spawn.h"
#include "keeper/state.h"

DEFINE_AUTO(struct child, child_free);

static const char *notify_name(const struct pool *pool)
{
	return pool_service(pool)->pool.ready_notify ? pool->keeper->ready.name : NULL;
}

/* Runs the program with what the program is to find on 0 and on 3 and above. */
static pid_t run(const struct pool *pool, struct spawn_descriptors *descriptors,
		 const struct address *local, struct spawn_failure *failure)
{
	const struct service *service = pool_service(pool);
	struct program *program = pool->generation->programs[pool->service];
	AUTO(auto_close) int null = -1;

	if (service->program.stderr_to != STDERR_LOG)
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
	descriptors->out = service->program.stderr_to == STDERR_LOG ? pool->record->stderr_write
								    : null;
	if (descriptors->out < 0) {
		*failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, errno };
		return -errno;
	}
	descriptors->err = descriptors->out;
	return spawn(
		program_for_process(program, service->endpoints[0].type, local, notify_name(pool)),
		descriptors, failure);
}

/* As long as nobody uses them, that is: their mode is one for all who have them open. */
static void make_blocking(const struct pool *pool, const int *listeners, int n)
{
	if (list_is_linked(&pool->processes))
		return;
	for (int i = 0; i < n; i++)
		(void)fd_set_blocking(listeners[i], true);
}

static pid_t run_with_listeners(struct pool *pool, struct spawn_failure *failure)
{
	const struct service *service = pool_service(pool);
	struct listener **listeners = &pool->generation->listeners[service->first_endpoint];
	AUTO(auto_free) int *fds = calloc(service->n_endpoints, sizeof(*fds));
	struct spawn_descriptors descriptors = { .others = fds,
						 .n_others = (int)service->n_endpoints };
	struct address local;

	if (!fds)
		return -ENOMEM;
	for (size_t i = 0; i < service->n_endpoints; i++)
		fds[i] = listeners[i]->fd;
	descriptors.in = fds[0];
	make_blocking(pool, fds, descriptors.n_others);
	(void)listener_address(listeners[0], &local);
	address_unmap(&local);
	return run(pool, &descriptors, &local, failure);
}

static pid_t run_with_socket(struct pool *pool, struct process *process,
			     struct spawn_failure *failure)
{
	const struct address nowhere = { 0 };
	AUTO(auto_close) int theirs = -1;
	struct spawn_descriptors descriptors;
	int pair[2], again;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		*failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, errno };
		return -errno;
	}
	process->fd = pair[0];
	theirs = again = pair[1];
	(void)fd_set_blocking(process->fd, false);
	reserve_fd_retain(&pool->keeper->reserve);
	descriptors = (struct spawn_descriptors){ .in = theirs, .others = &again, .n_others = 1 };
	return run(pool, &descriptors, &nowhere, failure);
}

/* Everything that the child's end needs, known before it starts. */
static void describe(struct child *child, const struct pool *pool)
{
	child->record = pool->record;
	child->records = pool_service(pool)->log_on_success;
	child->started_us = clock_us();
}

static int start_failed(struct pool *pool, const struct spawn_failure *failure)
{
	struct keeper *keeper = pool->keeper;

	if (spawn_may_retry(failure))
		return -failure->error;
	atomic_fetch_add(&keeper->stats[pool->record->number].failed, 1);
	log_not_started(keeper, pool->record, pool_service(pool), &(struct address){ 0 }, failure);
	pool->asked = false;
	pool_note_quick_death(pool);
	return 0;
}

int process_start(struct pool *pool)
{
	AUTO(auto_child_free) struct child *child = child_new();
	struct spawn_failure failure = { SPAWN_PROCESS, ENOMEM };

	if (!child)
		return -ENOMEM;
	child->process = process_new(pool, child);
	if (!child->process)
		return -ENOMEM;
	describe(child, pool);
	child->pid = pool->handle.passes ? run_with_socket(pool, child->process, &failure)
					 : run_with_listeners(pool, &failure);
	if (child->pid < 0)
		return start_failed(pool, &failure);

	if (children_add(&pool->keeper->children, child) < 0) {
		kill(child->pid, SIGTERM);
		return -ENOMEM;
	}
	process_enlist(take_ptr(child)->process);
	return 1;
}
