#pragma once

/*
 * The keeper's end of the channel to one front, which only transports messages. Messages that the
 * front does not read are kept, up to a limit. Messages of the front go to the owner of the
 * channel, which decides what to believe.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "channel/channel.h"
#include "net/poller.h"

struct front_channel;
struct reserve_fd;

struct front_channel_events {
	/*
	 * Acts on @message, and takes over @fd. Returns 0, or -EBADMSG for a message that no honest
	 * front sends. Then nothing more is read, and on_bad() is called.
	 */
	int (*on_message)(struct front_channel *channel, const struct channel_message *message,
			  int fd);
	/* Because of @error, nothing is read until front_channel_listen(). */
	void (*on_short)(struct front_channel *channel, int error);
	void (*on_bad)(struct front_channel *channel);
	/* A message could not be kept. No more are sent from now on. @error may be 0. */
	void (*on_behind)(struct front_channel *channel, int error, const char *why);
};

/* Embedded in its owner. */
struct front_channel {
	int fd;
	struct watch watch;
	struct reserve_fd *reserve;
	const struct front_channel_events *events;
	struct list outgoing; /* messages that wait for room */
	size_t n_outgoing;
	size_t n_outgoing_fds; /* that have a descriptor */
	bool write_failed;     /* nothing more is sent */
	bool held;             /* nothing is read for now */
	bool eof;              /* nothing more will be read */
	bool drained;          /* nobody has the other end any more, or yet, and all was read */
	unsigned n_rests;      /* how often front_channel_finish() has read */
};

/* After this a zeroed channel may be closed. */
void front_channel_init(struct front_channel *channel);

/* Returns 0 with the front's end, which the caller owns, or a negative errno. */
int front_channel_open(struct front_channel *channel, struct poller *poller,
		       struct reserve_fd *reserve, const struct front_channel_events *events,
		       int *out_theirs);

/* Does nothing if the channel is closed. */
void front_channel_close(struct front_channel *channel);

/* Sends now or when there is room. Takes over @fd. */
void front_channel_send(struct front_channel *channel, const struct channel_message *message,
			int fd);

/* As front_channel_send(), but the caller keeps the descriptor. */
void front_channel_lend(struct front_channel *channel, const struct channel_message *message,
			int fd);

/* Reads again, if the reserve is held. */
void front_channel_listen(struct front_channel *channel);

/*
 * The front has ended, but another process may have its end open. Reads what is there, without
 * waiting, and sets @eof then. To be called once a turn until @eof is set: not everything may be
 * read at once.
 */
void front_channel_finish(struct front_channel *channel);

/* For a forked process: closes the descriptors. */
void front_channel_abandon(struct front_channel *channel);
