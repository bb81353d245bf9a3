#include "keeper/fronts/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "keeper/fronts/reserve-fd.h"
#include "net/closer.h"

/* How many messages of one front are read before other watches have their turn. */
#define BATCH 64

/*
 * How often the rest of a channel is read. Each time takes at least one message, and the kernel
 * holds fewer. But another process may have the front's end, and fill it again and again.
 */
#define REST_MAX 1024

/* A front with so many unread messages has stopped reading. More would only take memory. */
#define OUTGOING_MAX 65536

/* Which share of the keeper's descriptors may wait in such messages. The rest is for clients. */
#define OUTGOING_FDS_SHARE 4

struct outgoing {
	struct list link;
	struct channel_message message;
	int fd;
};

static void forget_outgoing(struct front_channel *channel, struct outgoing *outgoing)
{
	list_unlink(&outgoing->link);
	if (outgoing->fd >= 0) {
		closer_release(outgoing->fd);
		channel->n_outgoing_fds--;
	}
	free(outgoing);
	channel->n_outgoing--;
}

static void drop_outgoing(struct front_channel *channel)
{
	list_for_each(at, next, &channel->outgoing)
		forget_outgoing(channel, container_of(at, struct outgoing, link));
}

/* Sends messages that wait, until the channel is full again. */
static void flush(struct front_channel *channel)
{
	list_for_each(at, next, &channel->outgoing) {
		struct outgoing *outgoing = container_of(at, struct outgoing, link);

		if (channel_send(channel->fd, &outgoing->message, outgoing->fd) == -EAGAIN)
			return;
		forget_outgoing(channel, outgoing);
	}
}

void front_channel_listen(struct front_channel *channel)
{
	unsigned wanted = 0;

	if (!channel->eof && !channel->held && reserve_fd_is_held(channel->reserve))
		wanted |= WATCH_READ;
	if (!channel->eof && list_is_linked(&channel->outgoing))
		wanted |= WATCH_WRITE;
	(void)watch_change(&channel->watch, wanted);
}

static void give_up_sending(struct front_channel *channel, int error, const char *why)
{
	channel->write_failed = true;
	drop_outgoing(channel);
	channel->events->on_behind(channel, error, why);
}

static size_t outgoing_fds_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / OUTGOING_FDS_SHARE == 0)
		return 1;
	return (size_t)(limit.rlim_cur / OUTGOING_FDS_SHARE);
}

/* Messages with a descriptor are rare, so their limit is asked for each time. */
static bool is_full(const struct front_channel *channel, int fd)
{
	return channel->n_outgoing >= OUTGOING_MAX ||
	       (fd >= 0 && channel->n_outgoing_fds >= outgoing_fds_max());
}

static void keep(struct front_channel *channel, const struct channel_message *message, int fd)
{
	bool full = is_full(channel, fd);
	struct outgoing *outgoing = full ? NULL : malloc(sizeof(*outgoing));

	if (!outgoing) {
		closer_release(fd);
		if (full)
			give_up_sending(channel, 0, "the front does not read what it is told");
		else
			give_up_sending(channel, -ENOMEM, "cannot keep a message for the front");
		return;
	}

	*outgoing = (struct outgoing){ .message = *message, .fd = fd };
	list_add_before(&channel->outgoing, &outgoing->link);
	channel->n_outgoing++;
	channel->n_outgoing_fds += fd >= 0;
}

/* Returns false when there is no room. If the front has gone, that is noticed elsewhere. */
static bool send_at_once(struct front_channel *channel, const struct channel_message *message,
			 int fd)
{
	return channel->write_failed || (!list_is_linked(&channel->outgoing) &&
					 channel_send(channel->fd, message, fd) != -EAGAIN);
}

void front_channel_send(struct front_channel *channel, const struct channel_message *message,
			int fd)
{
	if (send_at_once(channel, message, fd)) {
		closer_release(fd);
		return;
	}

	keep(channel, message, fd);
	front_channel_listen(channel);
}

void front_channel_lend(struct front_channel *channel, const struct channel_message *message,
			int fd)
{
	int copy;

	if (send_at_once(channel, message, fd))
		return;
	copy = fd_duplicate(fd);
	if (copy < 0)
		give_up_sending(channel, copy, "cannot keep a message for the front");
	else
		front_channel_send(channel, message, copy);
}

static void restore_reserve(struct front_channel *channel)
{
	if (!reserve_fd_restore(channel->reserve))
		channel->events->on_short(channel, -EMFILE);
}

/* Returns as channel_receive() does. The reserve must be released, for a descriptor. */
static int take_message(struct front_channel *channel)
{
	struct channel_message message;
	int fd = -1, r;

	r = channel_receive(channel->fd, &message, &fd);
	/* Without a descriptor the number must not stay free for something else. */
	if (r == 1 && fd < 0)
		restore_reserve(channel);
	if (r == 1)
		r = channel->events->on_message(channel, &message, fd) < 0 ? -EBADMSG : 1;
	else
		closer_close(fd);
	if (r == 0 || r == -EBADMSG)
		channel->eof = true;
	channel->drained = r == 0;
	if (r == -EBADMSG)
		channel->events->on_bad(channel);
	return r;
}

/*
 * Most messages leave no descriptor open. Then one release of the reserve is enough for all.
 * Returns 1 if there may be more, or as take_message() does.
 */
static int take_messages(struct front_channel *channel)
{
	struct reserve_fd *reserve = channel->reserve;
	unsigned retained = reserve->retained;
	int r = 1;

	for (int i = 0; i < BATCH && reserve->retained == retained && r == 1; i++) {
		if ((i == 0 || reserve_fd_is_held(reserve)) && !reserve_fd_release(reserve)) {
			channel->events->on_short(channel, -EMFILE);
			return -ENOMEM;
		}
		r = take_message(channel);
	}

	if (r < 0 && r != -EAGAIN && r != -EINTR && r != -EBADMSG)
		channel->events->on_short(channel, r);
	else
		restore_reserve(channel);
	return r;
}

static void on_ready(struct watch *watch)
{
	struct front_channel *channel = container_of(watch, struct front_channel, watch);

	if (watch->ready & WATCH_WRITE)
		flush(channel);
	if (watch->ready & WATCH_READ)
		(void)take_messages(channel);
	front_channel_listen(channel);
}

void front_channel_finish(struct front_channel *channel)
{
	if (channel->eof || !reserve_fd_is_held(channel->reserve))
		return;
	if (take_messages(channel) == -EAGAIN || ++channel->n_rests == REST_MAX)
		channel->eof = true;
	front_channel_listen(channel);
}

void front_channel_init(struct front_channel *channel)
{
	*channel = (struct front_channel){ .fd = -1 };
	list_init(&channel->outgoing);
}

int front_channel_open(struct front_channel *channel, struct poller *poller,
		       struct reserve_fd *reserve, const struct front_channel_events *events,
		       int *out_theirs)
{
	AUTO(auto_close) int theirs = -1;
	int r;

	channel->reserve = reserve;
	channel->events = events;
	r = channel_pair(&channel->fd, &theirs);
	if (r < 0)
		return r;
	r = watch_add(&channel->watch, poller, channel->fd, WATCH_READ, on_ready);
	if (r < 0)
		return r;
	channel->drained = true;
	*out_theirs = take_fd(theirs);
	return 0;
}

void front_channel_close(struct front_channel *channel)
{
	drop_outgoing(channel);
	watch_remove(&channel->watch);
	/* Whatever the front has sent and nobody has read is closed with the channel. */
	if (channel->drained)
		close(take_fd(channel->fd));
	else
		closer_close(take_fd(channel->fd));
}

void front_channel_abandon(struct front_channel *channel)
{
	list_for_each(at, next, &channel->outgoing) {
		struct outgoing *outgoing = container_of(at, struct outgoing, link);

		if (outgoing->fd >= 0)
			close(outgoing->fd);
	}
	close(channel->fd);
}
