#pragma once

/*
 * A keeper that waits for somebody is silent. More than a second of that aborts the process, with
 * a line that says so. A thread looks at that, because a call that blocks in the kernel may be
 * beyond signals.
 */

/* Starts the thread. The caller's own is the keeper's. */
void silence_watch(void);

/* The keeper has something to do from now on, or nothing more. */
void silence_begin(void);
void silence_end(void);
