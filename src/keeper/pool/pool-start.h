#pragma once

/* Launches one more process of a pool that is open. */

struct launch_events;
struct pool;
struct process;
struct spawn_failure;

/*
 * Returns 0 with a process that is in the child table but not in the pool yet, or a negative errno
 * with @out_failure filled in, and no process is left. Then @events tell about its launch, whose
 * owner is the child.
 */
int pool_start(struct pool *pool, const struct launch_events *events, struct process **out,
	       struct spawn_failure *out_failure);
