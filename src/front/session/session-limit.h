#pragma once

/*
 * Ends sessions that are idle for too long or last too long: idle_timeout and max_lifetime. The
 * timer runs in the main thread, even if the session is in a worker. A session without limits has
 * no timer.
 */

struct session;

/* Called before the session moves to a worker. Returns 0 or -ENOMEM. */
int session_limit_start(struct session *session);
