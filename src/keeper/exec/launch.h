#pragma once

/*
 * One launch: from clone(2) until the child has executed its program, or has ended.
 *
 * The keeper does not wait for it. Others may make it last for as long as they like: whoever may
 * send signals to the program's user, and whoever the program's file or directory belongs to. So
 * each launch has a stack, text and record of its own, and several are under way at once. The
 * kernel clears `busy` when the child leaves the memory of the keeper, whether to execute the
 * program or to end. From then on nothing of the launch is in use.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "keeper/exec/launch-child.h"
#include "keeper/exec/plan-buffer.h"

struct launch;
struct launch_quota;
struct launches;

struct launch_events {
	/* The program runs. The launch is over, and is not used any more afterwards. */
	void (*executed)(struct launch *launch);

	/* A step has failed, and the child was reaped. The launch is over in the same way. */
	void (*not_started)(struct launch *launch, const struct spawn_failure *failure);

	/* It took too long: the child was sent SIGKILL, and will be reaped. */
	void (*overdue)(struct launch *launch, const struct spawn_failure *failure);
};

enum launch_kind {
	LAUNCH_FOR_CLIENT,
	LAUNCH_FOR_POOL,
	LAUNCH_KINDS,
};

struct launch {
	struct launch_child child;
	atomic_int busy;
	pid_t pid;
	int64_t started_ms;
	bool timed_out;

	struct plan_buffer buffer; /* for the plan */
	char *next_text;           /* a larger one, for later, or NULL; both are secret memory */
	size_t next_size;
	void *stack; /* with its guard page */

	/* Of launches.c */
	struct launches *launches;
	struct list link;
	struct launch_quota *quota;
	enum launch_kind kind;
	int64_t limit_ms;
	bool slow;

	const struct launch_events *events;
	void *owner;
};

/* Returns NULL when memory is short. */
struct launch *launch_new(size_t text_size);
void launch_free(struct launch *launch);

/* Makes room for plans of @size, now or when the present one is not in use any more. */
int launch_make_room(struct launch *launch, size_t size);

/* Takes the larger room, if there is one. The launch must not be under way. */
void launch_settle_room(struct launch *launch);

/*
 * Starts a process for @plan, whose text may be in the buffer of the launch. Both @plan and all
 * that it refers to stay until the launch is over. Returns the process id, or a negative errno.
 */
pid_t launch_begin(struct launch *launch, const struct spawn_plan *plan,
		   const struct spawn_descriptors *descriptors);

/*
 * Whether the program has been executed, or a signal has ended the child while the kernel executed
 * it. Otherwise false, also if it never will be.
 */
bool launch_has_executed(const struct launch *launch);

/* Kills the child. In some system calls it does not end before they do. */
void launch_kill(struct launch *launch);

/*
 * How far the child has come. @status is that of wait(2) if it was reaped, or -1. If the program
 * was executed, the step is SPAWN_NONE.
 */
struct spawn_failure launch_failure(const struct launch *launch, int status);
