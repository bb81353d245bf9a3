#pragma once

/*
 * The messages between keeper and front: one fixed-size struct each over a
 * SOCK_SEQPACKET socket, with at most one descriptor. Both ends are non-blocking, and
 * messages arrive in the order in which they were sent.
 *
 * The life of a front. It is forked in STARTING, says READY and is SERVING. Before a reload
 * forks the next front, the keeper sends HALT: the front stops accepting, sends what it has
 * still to ask for, and then HALTED. From then on nobody accepts and no request is on its way, so
 * the next front starts with counts that are true. When the next front is READY, the old one
 * is sent DRAIN: it closes its listeners, serves its sessions to the end, and exits. If the
 * reload fails, it is sent RESUME instead; a HALTED that crosses it on the way is ignored. When
 * superd stops, the front is sent DRAIN with a limit.
 *
 * Who counts what. The front counts sessions, the keeper counts children. A front starts with
 * the keeper's counts, adds one with each SPAWN, DATAGRAM or WAIT that it sends, and takes off
 * what ENDED and RELEASED say; so it never believes that fewer run than do. The keeper sends
 * ENDED once a turn of its loop: one message stands for many children.
 *
 * What a crash loses. A front that dies loses its sessions, and requests that it had not sent.
 * Those that it had sent are read to the end of the channel and served. The next front starts
 * from the keeper's counts again. A front whose keeper dies drains.
 *
 * Trust. channel_receive() checks form only: the size, the type, that addresses are
 * addresses and that a descriptor came exactly where the type has one. Whether a
 * number names a service, and whether a descriptor is what it should be, is checked
 * by whoever acts on it: a front may have been taken over.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* The longest datagram that goes to a program: a Unix one may be longer than UDP's. */
#define CHANNEL_DATAGRAM_MAX (256 * 1024)

enum channel_type {
	/* front to keeper */
	CHANNEL_READY = 1,
	CHANNEL_SPAWN,    /* request, the connection: start a program for it */
	CHANNEL_DATAGRAM, /* request, a sealed memfd: start a program for the datagram in it */
	CHANNEL_WAIT,     /* request: a client waits, start the program that owns the listener */
	CHANNEL_GROW,     /* clients wait that the pool cannot take: start one more process */
	CHANNEL_DISMISS,  /* the process has no clients: end it */
	CHANNEL_HALTED,   /* answers HALT: no request follows */
	CHANNEL_ALIVE,    /* answers PING */

	/* keeper to front */
	CHANNEL_HALT,   /* stop accepting */
	CHANNEL_RESUME, /* accept again */
	CHANNEL_DRAIN,  /* close the listeners, finish the sessions, exit */
	CHANNEL_ENDED,
	CHANNEL_RELEASED,     /* the program of a `wait` listener has ended: watch it again */
	CHANNEL_LISTENER,     /* one of the sockets of an endpoint: bound at last */
	CHANNEL_POOL,         /* how a pool stands */
	CHANNEL_PROCESS,      /* a process of `pass` takes clients; its socket */
	CHANNEL_PROCESS_GONE, /* it has ended */
	CHANNEL_LEAVE,        /* give it no more clients */
	CHANNEL_UNREAD,       /* a connected datagram socket: serve what is left unread on it */
	CHANNEL_PAUSE,        /* processes are short: send no requests */
	CHANNEL_CONTINUE,     /* send requests again */
	CHANNEL_PING,
	CHANNEL_LOG, /* the log file, opened anew */

	CHANNEL_TYPES /* one more than the last */
};

/* Where a front stands. The keeper knows it from what it has sent and received. */
enum front_state {
	FRONT_STARTING,
	FRONT_SERVING,
	FRONT_HALTING, /* told to stop accepting, has not answered */
	FRONT_HALTED,
	FRONT_DRAINING,
};

/*
 * What each type holds. `service` and `endpoint` are indices in the settings of the front that
 * sends or receives the message,, and `index` is a process's place in the table of its pool. All
 * that begin with both are alike up to there.
 */

struct channel_request {
	uint32_t service;
	uint32_t endpoint;
	struct address peer;  /* who connected or sent; WAIT has none */
	struct address local; /* where a datagram was sent to; length 0: not known */
};

struct channel_grow {
	uint32_t service;
};

struct channel_dismiss {
	uint32_t service;
	uint32_t index;
	int32_t pid; /* another process may have the index by now */
};

struct channel_drain {
	uint32_t limit_ms; /* for the sessions; 0: none */
	bool has_successor;
};

struct channel_ended {
	uint32_t service;
	uint32_t children; /* that ended, or were not started */
};

struct channel_released {
	uint32_t endpoint;
	uint32_t lived_ms;
	int32_t status; /* as wait(2) gives it */
};

struct channel_listener {
	uint32_t service;
	uint32_t endpoint;
	uint32_t socket; /* which of the endpoint's */
};

struct channel_pool {
	uint32_t service;
	uint32_t ready; /* processes */
	bool may_grow;
};

struct channel_process {
	uint32_t service;
	uint32_t index;
	int32_t pid;
};

struct channel_process_gone {
	uint32_t service;
	uint32_t index;
	int32_t status; /* as wait(2) gives it */
};

struct channel_leave {
	uint32_t service;
	uint32_t index;
};

struct channel_unread {
	uint32_t service;
	uint32_t endpoint;
	struct address local; /* the socket's own; length 0: not known */
};

/* A type without a struct here carries nothing but itself and, perhaps, a descriptor. */
struct channel_message {
	uint32_t type;
	union {
		struct channel_request request; /* SPAWN, DATAGRAM, WAIT */
		struct channel_grow grow;
		struct channel_dismiss dismiss;
		struct channel_drain drain;
		struct channel_ended ended;
		struct channel_released released;
		struct channel_listener listener;
		struct channel_pool pool;
		struct channel_process process;
		struct channel_process_gone process_gone;
		struct channel_leave leave;
		struct channel_unread unread;
	};
};

/* What both receivers know of a type. */
struct channel_traits {
	const char *name;
	bool from_front;
	bool has_descriptor;
	bool has_request; /* the message holds a struct channel_request */
	unsigned states;  /* in which the front may send or be sent it, as 1 << enum front_state */
};

/* Returns NULL for a type that does not exist. */
const struct channel_traits *channel_traits(uint32_t type);

/* Makes both ends. Returns 0 or a negative errno. */
int channel_pair(int *out_keeper, int *out_front);

/*
 * Sends @message with @fd (-1: none), which stays the caller's. Returns 0, -EAGAIN when
 * the other side is behind, -EPIPE when it has gone, or another negative errno.
 */
int channel_send(int channel, const struct channel_message *message, int fd);

/*
 * Returns 1 with a message and its descriptor (-1: none; close-on-exec; the caller's),
 * 0 when the other side has gone, -EAGAIN when there is none, -EBADMSG for one of bad
 * form, whose descriptors are closed, -EMFILE with a message whose descriptor was lost
 * for want of a free number, or another negative errno when nothing could be read for now.
 */
int channel_receive(int channel, struct channel_message *out, int *out_fd);
