#pragma once

/*
 * Descriptors of every kind that a process can have, to be sent to a keeper that must not be
 * impressed; and the services whose clients some of them are.
 */

struct stage;

/* By their numbers; each has one endpoint, of the same number. */
enum { TCP, UDP, LOCAL, STREAM, WAIT, SESSION, POOL, PASS, N_SERVICES };

/* The text of their configuration. */
const char *hostile_services(void);

/* The first ones are clients of the services with these numbers. */
enum hostile_kind {
	RESET = N_SERVICES, /* of TCP, but the client has gone */
	CLIENT_OF_TCP,      /* the other end */
	CLIENT_OF_STREAM,
	BLOCKED, /* its close() waits for a client that never reads */
	PAIR,
	UNCONNECTED,
	BOUND_DATAGRAMS, /* a UDP socket with the port of TCP */
	LISTENING,
	LISTENING_WAIT,
	SEALED,
	SEALED_TOO_LONG,
	UNSEALED,
	A_FILE,
	A_PATH,
	PIPE_TO_READ,
	PIPE_TO_WRITE,
	A_PROCESS,
	AN_EPOLL,
	AN_EVENT,
	CHANNEL,
	N_KINDS
};

/* Returns a new one. It is closed like every other. */
int hostile_descriptor(const struct stage *stage, enum hostile_kind kind);

/* How many this process has. */
unsigned hostile_count_descriptors(void);

/* Ends the clients that read nothing, and keep who closes their connections waiting. */
void hostile_end_clients(void);
