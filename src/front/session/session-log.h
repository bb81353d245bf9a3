#pragma once

/* The line of the log about a session that has ended. */

struct session;

void session_log_end(const struct session *session);
