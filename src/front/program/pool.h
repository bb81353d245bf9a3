#pragma once

/*
 * Dispatch `pool`: the processes accept clients themselves. The front only looks for clients that
 * no process takes, and then asks the keeper for one more process. pool-demand.h tells such a
 * client from one that is about to be accepted.
 *
 * A listener is watched only while the keeper would start a process. It would not when the greatest
 * number of processes runs, during the pause after processes that ended at once, and when as many
 * processes are starting as are ready. So a pool of a fixed size costs the front nothing. After a
 * request the front waits for the answer, CHANNEL_POOL.
 */

struct dispatch;

extern const struct dispatch pool_dispatch;
