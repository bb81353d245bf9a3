#include "front/core/uplink.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define RETRY_MS 5
#define READ_AGAIN_MS 50

static void watch_channel(struct uplink *uplink, bool for_room)
{
	unsigned wanted = (timer_is_set(&uplink->read_again) ? 0 : WATCH_READ) |
			  (for_room ? WATCH_WRITE : 0);

	if (uplink->watch.poller)
		(void)watch_change(&uplink->watch, wanted);
}

static void block(struct uplink *uplink)
{
	uplink->blocked = true;
	watch_channel(uplink, true);
}

static void drop_kept(struct uplink *uplink)
{
	if (uplink->kept_fd >= 0)
		close(take_fd(uplink->kept_fd));
	uplink->has_kept = false;
}

void uplink_send(struct uplink *uplink, const struct channel_message *message, int fd)
{
	int r;

	r = channel_send(uplink->watch.fd, message, fd);
	if (r == -EAGAIN) {
		uplink->kept = *message;
		uplink->kept_fd = fd;
		uplink->has_kept = true;
		block(uplink);
		return;
	}
	if (r < 0)
		uplink->events->on_lost(uplink, message, r);
	if (fd >= 0)
		close(fd);
}

static int send_replies(struct uplink *uplink)
{
	for (unsigned type = 0; uplink->pending_replies >> type; type++) {
		struct channel_message message = { .type = type };
		int r;

		if (!(uplink->pending_replies & 1u << type))
			continue;
		r = channel_send(uplink->watch.fd, &message, -1);
		if (r == -EAGAIN)
			return r;
		uplink->pending_replies &= ~(1u << type);
	}
	return 0;
}

void uplink_answer(struct uplink *uplink, enum channel_type type)
{
	uplink->pending_replies |= 1u << type;
	if (!uplink->blocked && send_replies(uplink) == -EAGAIN)
		block(uplink);
}

void uplink_forget(struct uplink *uplink, enum channel_type type)
{
	uplink->pending_replies &= ~(1u << type);
}

static int send_kept(struct uplink *uplink)
{
	int r;

	if (!uplink->has_kept)
		return 0;

	r = channel_send(uplink->watch.fd, &uplink->kept, uplink->kept_fd);
	if (r == -EAGAIN)
		return r;
	if (r < 0)
		uplink->events->on_lost(uplink, &uplink->kept, r);
	drop_kept(uplink);
	return 0;
}

static void retry(struct timer *timer);

static void flush(struct uplink *uplink)
{
	if (!uplink->blocked)
		return;
	if (send_kept(uplink) == -EAGAIN || send_replies(uplink) == -EAGAIN) {
		/*
		 * The channel is writable but accepts nothing, because too many descriptors are
		 * on the way. poll does not see that, so watching the channel would spin.
		 */
		watch_channel(uplink, false);
		(void)timer_set(&uplink->retry, uplink->timers, clock_ms() + RETRY_MS, retry);
		return;
	}

	uplink->blocked = false;
	timer_cancel(&uplink->retry);
	watch_channel(uplink, false);
	uplink->events->on_writable(uplink);
}

static void retry(struct timer *timer)
{
	flush(container_of(timer, struct uplink, retry));
}

static void on_ready(struct watch *watch)
{
	struct uplink *uplink = container_of(watch, struct uplink, watch);

	if (watch->ready & WATCH_WRITE)
		flush(uplink);
	uplink->events->on_readable(uplink);
}

static void read_again(struct timer *timer)
{
	struct uplink *uplink = container_of(timer, struct uplink, read_again);

	watch_channel(uplink, uplink->watch.wanted & WATCH_WRITE);
}

void uplink_pause_reading(struct uplink *uplink)
{
	/* To try again at once would spin. */
	(void)timer_set(&uplink->read_again, uplink->timers, clock_ms() + READ_AGAIN_MS,
			read_again);
	watch_channel(uplink, uplink->watch.wanted & WATCH_WRITE);
}

void uplink_abandon(struct uplink *uplink)
{
	watch_remove(&uplink->watch);
	if (uplink->has_kept)
		uplink->events->on_lost(uplink, &uplink->kept, -EPIPE);
	drop_kept(uplink);
	uplink->blocked = false;
}

void uplink_init(struct uplink *uplink, int channel, const struct uplink_events *events)
{
	*uplink = (struct uplink){
		.watch.fd = channel,
		.events = events,
		.kept_fd = -1,
	};
}

int uplink_start(struct uplink *uplink, struct poller *poller, struct timers *timers)
{
	uplink->timers = timers;
	return watch_add(&uplink->watch, poller, uplink->watch.fd, WATCH_READ, on_ready);
}

void uplink_fini(struct uplink *uplink)
{
	watch_remove(&uplink->watch);
	timer_cancel(&uplink->retry);
	timer_cancel(&uplink->read_again);
	drop_kept(uplink);
}
