#pragma once

/*
 * A turn of a session: receives, answers, sends. It runs in the loop of the session, never blocks,
 * and uses only the fields that session.h gives to that loop.
 */

#include <stdint.h>

struct session;

/*
 * @ready is what the socket is ready for, @now_ms the time. Returns what the session waits for
 * next: WATCH_READ, WATCH_WRITE or both. Returns 0 when the session is over, with its error set.
 */
unsigned session_io_turn(struct session *session, unsigned ready, int64_t now_ms);
