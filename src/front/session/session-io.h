#pragma once

/*
 * A turn of a session: receives what is there, answers, sends. It runs in the loop that
 * the session is in, blocks nowhere, and touches only what session.h says is that loop's.
 */

#include <stdint.h>

struct session;

/*
 * @ready is what the socket is ready for, @now_ms the time. Returns what the session waits for
 * next: WATCH_READ, WATCH_WRITE or both; or 0 when it is over, with its error set.
 */
unsigned session_io_turn(struct session *session, unsigned ready, int64_t now_ms);
