#pragma once

/*
 * The kinds of dispatch: how an admitted client reaches code. A row of the table has the name and
 * the traits of a kind. Other code asks for a trait, and never for a certain kind.
 */

#include <stdbool.h>

struct word_table;

enum dispatch_kind {
	DISPATCH_SESSION, /* a built-in */
	DISPATCH_SPAWN,
	DISPATCH_WAIT,
	DISPATCH_POOL,
	DISPATCH_PASS,
	DISPATCH_COUNT,
};

/* The traits. */
enum {
	DISPATCH_RUNS_PROGRAM = 1 << 0,     /* otherwise a built-in answers */
	DISPATCH_READS_LISTENER = 1 << 1,   /* superd accepts, and receives the datagrams */
	DISPATCH_PER_CLIENT = 1 << 2,       /* each client has a program of its own */
	DISPATCH_LENDS_LISTENER = 1 << 3,   /* one program owns the listener while it runs */
	DISPATCH_SHARES_LISTENER = 1 << 4,  /* several programs accept from it themselves */
	DISPATCH_PASSES_CLIENTS = 1 << 5,   /* programs that run receive connections from superd */
	DISPATCH_STARTS_PROCESSES = 1 << 6, /* processes start before their clients: `processes` */
	DISPATCH_ONLY_CONNECTIONS = 1 << 7, /* no endpoint may be for datagrams */
};

extern const struct word_table dispatch_words;

/* As the configuration says it; NULL for a built-in. */
const char *dispatch_name(enum dispatch_kind dispatch);

/* Whether @dispatch has one of @traits. */
bool dispatch_has(enum dispatch_kind dispatch, unsigned traits);

/* "'dispatch = pool' and 'dispatch = pass'": all with one of @traits; see word_table_list(). */
const char *dispatch_list(unsigned traits);
