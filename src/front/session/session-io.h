#pragma once

/*
 * Moves bytes between a built-in and its client. A turn receives, answers and sends, and never
 * blocks. While the client does not read, the unsent answer is kept and nothing more is read.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/builtin.h"

struct builtin;
struct session_rest;

/* For the loop of the session, until the session is over. */
struct session_io {
	int fd; /* the session's */
	const struct builtin *builtin;
	struct session_rest *rest; /* what could not be sent yet, or NULL */
	uint64_t bytes_in;
	uint64_t bytes_out;
	int error; /* a negative errno that ended it, or 0 */
	bool is_endless;
	bool keeps_records; /* of a seqpacket socket */
	bool at_end;        /* the client has closed its side */
	_Atomic int64_t
		active_ms; /* when bytes were last sent or received; the main thread reads it */
};

/* @fd is non-blocking. */
void session_io_init(struct session_io *io, int fd, enum builtin_kind kind, int64_t now_ms);
void session_io_fini(struct session_io *io);

/*
 * @incoming has room for LOOP_INCOMING bytes. @ready is what the socket is ready for, @now_ms the
 * time. Returns what the session waits for next: WATCH_READ, WATCH_WRITE or both. Returns 0 when
 * the session is over, with its error set.
 */
unsigned session_io_turn(struct session_io *io, char *incoming, unsigned ready, int64_t now_ms);
