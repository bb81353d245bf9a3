#pragma once

/*
 * Ends sessions that are idle for too long, or last too long: idle_timeout and max_lifetime.
 * The timer is in the main thread, wherever the session is; one without limits has none.
 */

struct session;

/* Before the session is handed to a worker. Returns 0 or -ENOMEM. */
int session_limit_start(struct session *session);
