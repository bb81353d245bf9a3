#pragma once

/* Starts one more process of a pool that is open. */

struct pool;
struct process;
struct spawn_failure;

/*
 * Returns 0 with a process that is in the child table but not in the pool yet, or a negative errno
 * with @out_failure filled in, and no process is left.
 */
int pool_start(struct pool *pool, struct process **out, struct spawn_failure *out_failure);
