#include "keeper/exec/launch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret-memory.h"
#include "keeper/exec/raw-call.h"

/* The child needs a few hundred bytes. */
#define STACK_SIZE (16 * 1024)

/* The largest page that a machine may have. */
#define GUARD_SIZE (64 * 1024)

DEFINE_AUTO(struct launch, launch_free);

static int map_stack(struct launch *launch)
{
	char *memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	launch->stack = memory;
	return mprotect(memory, GUARD_SIZE, PROT_NONE) < 0 ? -errno : 0;
}

struct launch *launch_new(size_t text_size)
{
	AUTO(auto_launch_free) struct launch *launch = calloc(1, sizeof(*launch));

	if (!launch || map_stack(launch) < 0 || launch_make_room(launch, text_size) < 0)
		return NULL;
	launch_settle_room(launch);
	return take_ptr(launch);
}

void launch_free(struct launch *launch)
{
	if (!launch)
		return;
	if (launch->stack)
		munmap(launch->stack, GUARD_SIZE + STACK_SIZE);
	secret_memory_free(launch->buffer.text, launch->buffer.size);
	secret_memory_free(launch->next_text, launch->next_size);
	free(launch);
}

int launch_make_room(struct launch *launch, size_t size)
{
	char *text;

	if (size <= launch->buffer.size || size <= launch->next_size)
		return 0;
	text = secret_memory_new(size);
	if (!text)
		return -ENOMEM;
	secret_memory_hide(text, size);
	secret_memory_free(launch->next_text, launch->next_size);
	launch->next_text = text;
	launch->next_size = size;
	return 0;
}

void launch_settle_room(struct launch *launch)
{
	if (!launch->next_text)
		return;
	secret_memory_free(launch->buffer.text, launch->buffer.size);
	launch->buffer.text = take_ptr(launch->next_text);
	launch->buffer.size = launch->next_size;
	launch->next_size = 0;
}

/* Where system calls write errno, the keeper waits until the child is out of its memory. */
static int flags(void)
{
	return CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD |
	       (RAW_CALLS ? 0 : CLONE_VFORK);
}

pid_t launch_begin(struct launch *launch, const struct spawn_plan *plan,
		   const struct spawn_descriptors *descriptors)
{
	char *top = (char *)launch->stack + GUARD_SIZE + STACK_SIZE;
	pid_t pid;

	launch->child.plan = plan;
	launch->child.descriptors = *descriptors;
	launch->child.keeper = plan->death_signal ? getpid() : 0;
	atomic_store(&launch->child.step, SPAWN_PROCESS);
	atomic_store(&launch->child.error, 0);
	atomic_store(&launch->busy, 1);
	launch->timed_out = false;
	launch->started_ms = clock_ms();
	pid = clone(launch_child, top, flags(), &launch->child, NULL, NULL, &launch->busy);
	if (pid < 0)
		return -errno;
	launch->pid = pid;
	return pid;
}

bool launch_has_executed(const struct launch *launch)
{
	return atomic_load(&launch->busy) == 0 && atomic_load(&launch->child.step) == SPAWN_EXEC &&
	       atomic_load(&launch->child.error) == 0;
}

void launch_kill(struct launch *launch)
{
	kill(launch->pid, SIGKILL);
}

struct spawn_failure launch_failure(const struct launch *launch, int status)
{
	if (!launch->timed_out && launch_has_executed(launch))
		return (struct spawn_failure){ .step = SPAWN_NONE };
	return (struct spawn_failure){
		.step = atomic_load(&launch->child.step),
		.error = atomic_load(&launch->child.error),
		.signal = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.timed_out = launch->timed_out,
	};
}
