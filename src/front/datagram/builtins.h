#pragma once

/*
 * The dispatch kind of built-ins: a connection becomes a session, and datagrams are answered
 * where they are received.
 */

struct dispatch;
struct session;

extern const struct dispatch builtins_dispatch;

/* For sessions_init(). */
void builtins_on_session_ended(struct session *session);
