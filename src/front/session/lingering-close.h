#pragma once

/*
 * Sessions with one short answer. They send it, and wait a moment for the client to close. All of
 * this is in the main thread.
 */

struct session;

/* When this returns, the session may have ended and be freed. */
void linger_answer(struct session *session);
