#pragma once

/*
 * A built-in turns the bytes of a client into the bytes of an answer. session.c and datagram.c have
 * the sockets. To avoid copies, an answer is in the room of the caller, or points to the input or
 * to a constant pattern.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "config/settings.h"

/* Enough for every answer that is not input or pattern. */
#define BUILTIN_ROOM 64

struct exchange {
	const char *in;
	size_t n_in;
	uint64_t sent;   /* to this client so far */
	time_t now;      /* seconds since 1970 */
	uint32_t random; /* for datagrams */
	bool amplify;    /* for datagrams: the answer may be longer than the input */
	char room[BUILTIN_ROOM];

	const char *out; /* valid until @in or @room changes */
	size_t n_out;
};

/* What is true of a built-in stands in config/builtin.h. */
struct builtin {
	void (*prepare)(void); /* or NULL */
	void (*answer)(struct exchange *x);
	void (*answer_datagram)(struct exchange *x);
};

/* Called for each kind in use, before its first answer. */
void builtin_prepare(enum builtin_kind kind);

/* @kind is not BUILTIN_NONE. */
const struct builtin *builtin_find(enum builtin_kind kind);
