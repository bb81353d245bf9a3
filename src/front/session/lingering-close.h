#pragma once

/*
 * Sessions whose whole answer fits at once: it is given, and then the client's own end waited for,
 * for a moment. All of it in the main thread.
 */

struct session;

/* The session may be over, and freed, when this returns. */
void linger_answer(struct session *session);
