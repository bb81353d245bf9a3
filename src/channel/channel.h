#pragma once

/*
 * The messages between keeper and front. Each is a struct of fixed size over a SOCK_SEQPACKET
 * socket, with at most one descriptor. Both ends are non-blocking, and messages arrive in the order
 * in which they were sent.
 *
 * The life of a front. It is forked in STARTING, sends READY, and is SERVING. Before a reload forks
 * the next front, the keeper sends HALT. The front stops accepting, sends the requests that it
 * still has, and then HALTED. Now no front accepts and no request is on its way, so the next front
 * starts with the true counts. When the next front has sent READY, the old one gets DRAIN: it
 * closes its listeners, serves its clients to the end, and exits. If the reload fails, the old
 * front gets RESUME instead; a HALTED that crosses it on the way is ignored. When superd stops, the
 * front gets DRAIN with a limit.
 *
 * Who counts what. The front counts sessions, the keeper counts children. A front starts with the
 * keeper's counts, adds one with each SPAWN or DATAGRAM that it sends, and subtracts the numbers in
 * ENDED. So its count is never too low. The keeper sends ENDED once a turn of its loop, and one
 * message stands for many children. A WAIT is not counted, because a listener has one program.
 *
 * What a crash loses. When a front dies, its sessions are lost, and the requests that it has not
 * sent. The keeper reads the channel to its end and serves the requests in it. The next front
 * starts from the keeper's counts again. A front whose keeper dies drains.
 *
 * Trust. A front may have been taken over. channel_receive() checks the form only: the size, the
 * type, that addresses are addresses, and that a descriptor came exactly with the types that have
 * one. The receiver checks whether a number names a service, and whether a descriptor is what it
 * should be.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* The longest datagram for a program. A Unix datagram may be longer than one over UDP. */
#define CHANNEL_DATAGRAM_MAX (256 * 1024)

enum channel_type {
	/* front to keeper */
	CHANNEL_READY = 1,
	CHANNEL_SPAWN,    /* request with a connection: start a program for it */
	CHANNEL_DATAGRAM, /* request with a sealed memfd: start a program for its datagram */
	CHANNEL_WAIT,     /* request: a client waits, start the program that owns the listener */
	CHANNEL_GROW,     /* clients wait and no process takes them: start one more */
	CHANNEL_DISMISS,  /* the process has no clients: end it */
	CHANNEL_HALTED,   /* answers HALT: no request follows */
	CHANNEL_ALIVE,    /* answers PING */
	CHANNEL_LOG_LOST, /* the daemon of the log was started anew: connect to it */
	CHANNEL_RUINED,   /* a listener was shut down, but not by the keeper */

	/* keeper to front */
	CHANNEL_HALT,   /* stop accepting */
	CHANNEL_RESUME, /* accept again */
	CHANNEL_DRAIN,  /* close the listeners, finish the sessions, exit */
	CHANNEL_ENDED,
	CHANNEL_RELEASED,     /* the program of a `wait` listener has ended: watch it again */
	CHANNEL_LISTENER,     /* a socket of an endpoint; socket 0 replaces all that there are */
	CHANNEL_POOL,         /* the state of a pool */
	CHANNEL_PROCESS,      /* a process of `pass` takes clients, with its socket */
	CHANNEL_PROCESS_GONE, /* the process has ended */
	CHANNEL_LEAVE,        /* give the process no more clients */
	CHANNEL_UNREAD,       /* a connected datagram socket: serve the datagrams on it */
	CHANNEL_PAUSE,        /* processes are short: send no requests */
	CHANNEL_CONTINUE,     /* send requests again */
	CHANNEL_PING,
	CHANNEL_LOG, /* the log, which was opened again */

	CHANNEL_TYPES /* one more than the last */
};

/* The state of a front. The keeper knows it from the messages that it has sent and received. */
enum front_state {
	FRONT_STARTING,
	FRONT_SERVING,
	FRONT_HALTING, /* was sent HALT, and has not answered */
	FRONT_HALTED,
	FRONT_DRAINING,
};

/*
 * The contents of each type. `service` and `endpoint` are indices in the settings of the front that
 * sends or receives the message. `index` is the row of a process in the table of its pool. All
 * structs that have both `service` and `endpoint` begin with them.
 */

struct channel_request {
	uint32_t service;
	uint32_t endpoint;
	struct address peer;  /* the client; WAIT has none */
	struct address local; /* the address that a datagram was sent to; length 0: not known */
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

struct channel_log {
	uint32_t target; /* enum log_target */
};

/* A type without a struct here has no contents, except perhaps a descriptor. */
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
		struct channel_log log;
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
 * Sends @message with @fd (-1: none), which the caller keeps. Returns 0, -EAGAIN when the channel
 * is full, -EPIPE when the other side has gone, or another negative errno.
 */
int channel_send(int channel, const struct channel_message *message, int fd);

/*
 * Returns 1 with a message and its descriptor (-1: none; close-on-exec; owned by the caller), or
 *   0        the other side has gone, and nothing is left in the channel
 *   -EAGAIN  there is no message
 *   -EBADMSG the form of the message is wrong, and it stays in the channel; the caller owns one of
 *            its descriptors, or none
 *   -EMFILE  there is a message, but no number is free for its descriptor, so it stays there too
 * or another negative errno: nothing could be read now.
 *
 * The kernel closes no descriptor meanwhile, which might wait for whoever has sent it.
 */
int channel_receive(int channel, struct channel_message *out, int *out_fd);

/* Takes the next message away. The kernel closes its descriptors. */
void channel_skip(int channel);
