#pragma once

/*
 * Ends processes of dispatch `pool` that are surplus, once they have been idle for long enough.
 * idle.h decides what is idle. For `pass` the front says which processes may end.
 */

struct pool;
struct process;

/* Counts the descriptors of the process, which may have no client now. */
void surplus_sample(struct pool *pool, struct process *process);

/* Looks at the processes from time to time while there are more than `min`. */
void surplus_watch(struct pool *pool);
