#pragma once

/*
 * The messages between keeper and front: one fixed-size struct each over a
 * SOCK_SEQPACKET socket, with at most one descriptor. Both ends are non-blocking.
 *
 * channel_receive() checks form only: the size, the type, that addresses are
 * addresses and that a descriptor came exactly where the type has one. Whether a
 * number names a service, and whether a descriptor is what it should be, is checked
 * by whoever acts on it.
 */

#include <stdint.h>

#include "net/address.h"

/* The longest datagram that goes to a program: a Unix one may be longer than UDP's. */
#define CHANNEL_DATAGRAM_MAX (256 * 1024)

enum channel_type {
	/* front to keeper */
	CHANNEL_READY = 1, /* serving */
	CHANNEL_SPAWN,     /* endpoint, peer, the connection: start its program */
	CHANNEL_DATAGRAM,  /* endpoint, peer, local, a sealed memfd: start its program */
	CHANNEL_WAIT,      /* endpoint: somebody waits, start the program that owns the listener */
	CHANNEL_GROW,      /* service: clients wait that its pool cannot take, one more process */
	/* service, count: place, status: pid of a process without clients: end it */
	CHANNEL_DISMISS,
	/*
	 * status: the type of a message that came without its descriptor, and what says which:
	 * CHANNEL_LISTENER, _MEMBER or _LOG once more
	 */
	CHANNEL_RESEND,
	CHANNEL_HALTED, /* answer to CHANNEL_HALT: no request follows */
	CHANNEL_ALIVE,  /* answer to CHANNEL_PING */

	/* keeper to front */
	CHANNEL_HALT,   /* stop accepting */
	CHANNEL_RESUME, /* accept again */
	/* close the listeners, finish the sessions within @count ms (0: no limit), exit */
	CHANNEL_DRAIN,
	CHANNEL_ENDED,    /* service, count: so many of its children ended, or did not start */
	CHANNEL_RELEASED, /* endpoint, status, count: its wait child ended after count ms */
	/*
	 * endpoint, one of its sockets: bound at last; count: which of them, status: its number
	 * in the keeper
	 */
	CHANNEL_LISTENER,
	CHANNEL_POOL, /* service, count: so many of its pool are ready, status: 1 if it may grow */
	CHANNEL_PROCESS, /* service, count: its place, status: pid, its socket: takes clients */
	CHANNEL_PROCESS_GONE, /* service, count: its place, status: it has ended */
	CHANNEL_LEAVE,        /* service, count: its place: no more clients for it */
	CHANNEL_UNREAD,       /* endpoint, a connected datagram socket: serve what is left unread */
	CHANNEL_PAUSE,        /* processes are short: send no requests */
	CHANNEL_CONTINUE,     /* send requests again */
	CHANNEL_PING,
	CHANNEL_LOG, /* the log file, opened anew */
};

struct channel_message {
	uint32_t type;
	uint32_t service;  /* index in the settings of this front */
	uint32_t endpoint; /* number in the settings of this front */
	uint32_t count;
	int32_t status; /* as wait(2) gives it */
	struct address peer;
	struct address local;
};

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
