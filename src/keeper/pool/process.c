#include "keeper/pool/process.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/child/child.h"
#include "keeper/service/generation.h"
#include "keeper/service/pool-handle.h"
#include "net/closer.h"

struct process *process_new(struct pool_handle *pool, struct process_counts *counts,
			    struct child *child)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	list_init(&process->link);
	process->pool = pool_handle_ref(pool);
	process->counts = counts;
	process->child = child;
	process->fd = -1;
	ready_init(&process->ready);
	return process;
}

void process_free(struct process *process)
{
	if (!process)
		return;
	timer_cancel(&process->limit);
	ready_close(&process->ready);
	process_end_launch(process);
	process_hang_up(process);
	list_unlink(&process->link);
	pool_handle_unref(process->pool);
	free(process);
}

void process_abandon_launch(const struct process *process)
{
	for (size_t i = 0; i < process->launch.n_fds; i++)
		if (process->launch.fds[i] >= 0)
			close(process->launch.fds[i]);
}

void process_end_launch(struct process *process)
{
	process_abandon_launch(process);
	free(process->launch.fds);
	generation_unref(process->launch.generation);
	process->launch = (struct process_launch){ 0 };
}

static unsigned *count_of(const struct process *process)
{
	switch (process->state) {
	case PROCESS_STARTING:
		return &process->counts->starting;
	case PROCESS_READY:
		return &process->counts->ready;
	default:
		return &process->counts->ending;
	}
}

static void change_state(struct process *process, enum process_state state)
{
	--*count_of(process);
	process->state = state;
	++*count_of(process);
}

void process_add(struct process *process, struct list *processes)
{
	list_add_before(processes, &process->link);
	++*count_of(process);
}

void process_ready(struct process *process, bool settles)
{
	timer_cancel(&process->limit);
	ready_close(&process->ready);
	change_state(process, PROCESS_READY);
	process->settling = settles;
	process->counts->settling += settles;
}

void process_settled(struct process *process)
{
	process->counts->settling -= process->settling;
	process->settling = false;
}

void process_end(struct process *process)
{
	if (process->state == PROCESS_ENDING)
		return;
	timer_cancel(&process->limit);
	ready_close(&process->ready);
	process_settled(process);
	change_state(process, PROCESS_ENDING);
	process_hang_up(process);
	process->child->by_superd = true;
	kill(process->child->pid, SIGTERM);
}

void process_hang_up(struct process *process)
{
	/* The process may have sent descriptors on it. */
	closer_release(take_fd(process->fd));
}

void process_remove(struct process *process)
{
	process_settled(process);
	--*count_of(process);
	process_free(process);
}
