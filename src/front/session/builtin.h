#pragma once

/*
 * The built-ins map bytes to bytes; sockets are the business of session.c and
 * datagram.c. An answer is written to the room that the caller gives, or points at
 * what came in, or at a constant pattern: nothing is copied that need not be.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "config/settings.h"

enum {
	BUILTIN_SPEAKS_FIRST = 1 << 0, /* answers without waiting for input */
	BUILTIN_ONCE = 1 << 1,         /* closes after the first answer */
	BUILTIN_ENDLESS = 1 << 2,      /* its answer follows from @sent and never ends */
};

/* Enough for every answer that is written to the caller's room. */
#define BUILTIN_ROOM 64

struct exchange {
	const char *in;
	size_t n_in;
	uint64_t sent;   /* to this client so far */
	time_t now;      /* seconds since 1970 */
	uint32_t random; /* for datagrams */
	bool amplify;    /* for datagrams: the answer may be longer than what came in */
	char room[BUILTIN_ROOM];

	const char *out; /* valid until @in or @room changes */
	size_t n_out;
};

struct builtin {
	unsigned flags;
	void (*answer)(struct exchange *x);
	void (*answer_datagram)(struct exchange *x);
};

/* Once in the process, before threads need it, for each kind that is going to answer. */
void builtin_prepare(enum builtin_kind kind);

/* @kind is not BUILTIN_NONE. */
const struct builtin *builtin_find(enum builtin_kind kind);
