#include "front/core/uplink.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/core/client-log.h"
#include "front/core/throttle.h"
#include "front/commands.h"
#include "front/pass/pass.h"
#include "front/state.h"

#define RETRY_MS 5

static void retry(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, retry);

	uplink_flush(front);
}

static void block(struct front *front)
{
	front->blocked = true;
	if (front->channel.poller)
		(void)watch_change(&front->channel, WATCH_READ | WATCH_WRITE);
}

/*
 * The channel is writable and yet takes nothing: too many descriptors are on the way,
 * which poll does not know of. Watching it would spin.
 */
static void wait_a_moment(struct front *front)
{
	if (front->channel.poller)
		(void)watch_change(&front->channel, WATCH_READ);
	(void)timer_set(&front->retry, front->timers, clock_ms() + RETRY_MS, retry);
}

static void lose(struct front *front, const struct channel_message *message, int error)
{
	struct front_service *service = &front->services[message->request.service];

	/* Who waits for a process, or is one, goes on without. */
	if (message->type == CHANNEL_GROW || message->type == CHANNEL_DISMISS ||
	    message->type == CHANNEL_RESEND)
		return;
	if (message->type == CHANNEL_WAIT) {
		log_service(LOG_WARNING, service->settings->name, error,
			    "cannot ask for its program");
		return;
	}
	if (service->live > 0)
		service->live--;
	log_lost(service->settings, &message->request.peer, error, "cannot ask for its program");
}

static void drop_kept(struct front *front)
{
	if (front->kept_fd >= 0)
		close(front->kept_fd);
	front->kept_fd = -1;
	front->has_kept = false;
}

void uplink_send(struct front *front, const struct channel_message *message, int fd)
{
	int r;

	r = channel_send(front->startup->channel, message, fd);
	if (r == -EAGAIN) {
		front->kept = *message;
		front->kept_fd = fd;
		front->has_kept = true;
		block(front);
		return;
	}
	if (r < 0)
		lose(front, message, r);
	if (fd >= 0)
		close(fd);
}

static int send_owed(struct front *front)
{
	for (unsigned type = 0; front->owed >> type; type++) {
		struct channel_message message = { .type = type };
		int r;

		if (!(front->owed & 1u << type))
			continue;
		r = channel_send(front->startup->channel, &message, -1);
		if (r == -EAGAIN)
			return r;
		front->owed &= ~(1u << type);
	}
	return 0;
}

void uplink_answer(struct front *front, enum channel_type type)
{
	front->owed |= 1u << type;
	if (!front->blocked && send_owed(front) == -EAGAIN)
		block(front);
}

void uplink_forget(struct front *front, enum channel_type type)
{
	front->owed &= ~(1u << type);
}

static int send_kept(struct front *front)
{
	int r;

	if (!front->has_kept)
		return 0;

	r = channel_send(front->startup->channel, &front->kept, front->kept_fd);
	if (r == -EAGAIN)
		return r;
	if (r < 0)
		lose(front, &front->kept, r);
	drop_kept(front);
	return 0;
}

void uplink_flush(struct front *front)
{
	if (!front->blocked)
		return;
	if (send_kept(front) == -EAGAIN || send_owed(front) == -EAGAIN) {
		wait_a_moment(front);
		return;
	}

	front->blocked = false;
	timer_cancel(&front->retry);
	if (front->channel.poller)
		(void)watch_change(&front->channel, WATCH_READ);
	pass_flush(front);
	throttle_release_front(front);
	commands_end_if_over(front);
}

void uplink_abandon(struct front *front)
{
	if (front->has_kept)
		lose(front, &front->kept, -EPIPE);
	drop_kept(front);
	front->blocked = false;
}
