#include "front/commands.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/program/spawn-datagram.h"
#include "front/datagram/datagram.h"
#include "front/core/throttle.h"
#include "front/resend.h"
#include "front/datagram/queue-drops.h"
#include "front/pass/pass.h"
#include "front/program/pool.h"
#include "front/core/uplink.h"
#include "front/datagram/reuseport.h"
#include "front/state.h"
#include "front/program-log.h"
#include "front/program/wait.h"

#define COMMANDS_MAX 64 /* a turn */
#define DEAF_MS 50

static void end_sessions(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, grace);

	if (front->sessions.count > 0)
		log_info("ending %zu sessions that had their time", front->sessions.count);
	pass_end_all(front);
	sessions_end_all(&front->sessions);
	front->done = true;
}

static void close_listeners(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_endpoints; i++) {
		struct front_listener *listener = &front->listeners[i];

		list_unlink(&listener->link);
		watch_remove(&listener->watch);
		reuseport_close(listener);
		wait_forget(listener);
		pool_forget(listener);
		listener_close(listener->listener);
	}
}

void commands_end_if_over(struct front *front)
{
	if (front->draining && front->sessions.count == 0 && pass_is_over(front) &&
	    !front->has_kept)
		front->done = true;
}

/*
 * Closes the listeners and gives the sessions @grace_ms (0: no limit) to end. The front is
 * done when none are left.
 */
static void drain(struct front *front, int64_t grace_ms, bool has_successor)
{
	if (!front->draining) {
		front->draining = true;
		front->halted = true;
		close_listeners(front);
		queue_drops_say_rest(front);
		stderr_stop(front);
		datagram_spawn_abandon(front);
		pass_drain(front, has_successor);
	}
	commands_end_if_over(front);
	if (!front->done && grace_ms > 0)
		(void)timer_set(&front->grace, front->timers, clock_ms() + grace_ms, end_sessions);
}

static void halt(struct front *front)
{
	front->halted = true;
	reuseport_halt(front);
	stderr_stop(front);
	pass_halt(front);
	uplink_answer(front, CHANNEL_HALTED);
}

static void resume(struct front *front)
{
	if (front->draining)
		return;
	uplink_forget(front, CHANNEL_HALTED);
	front->halted = false;
	reuseport_resume(front);
	stderr_start(front);
	pass_resume(front);
	throttle_release_front(front);
}

static void on_ended(struct front *front, const struct channel_ended *ended)
{
	struct front_service *service;

	if (ended->service >= front->settings->n_services)
		return;
	service = &front->services[ended->service];
	service->live -= ended->children < service->live ? ended->children : service->live;
	throttle_release_service(service);
}

/* Takes the first one in any case, further ones unless it fails. */
static int install_socket(struct front_listener *listener, const struct channel_listener *socket,
			  int fd)
{
	int r;

	if (socket->socket == 0) {
		listener->listener->fd = fd;
		listener->counted_drops = drop_counts_of(
			listener->service->front->startup->drop_counts, socket->number);
		r = datagram_guard_own(listener);
		if (r < 0)
			return r;
	}
	if (reuseport_wanted(listener))
		return reuseport_add(listener, fd, socket->number);
	if (socket->socket > 0)
		return -EINVAL;
	throttle_watch(listener);
	return 0;
}

static void on_pool(struct front *front, const struct channel_message *message)
{
	struct front_service *service;

	if (message->pool.service >= front->settings->n_services)
		return;
	service = &front->services[message->pool.service];
	if (service->settings->dispatch == DISPATCH_POOL)
		pool_obey(service, message);
	else
		pass_obey(front, message, -1);
}

static void install_listener(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener = &front->listeners[message->listener.endpoint];
	bool first = message->listener.socket == 0;
	int r;

	if (front->draining || first != (listener->listener->fd < 0)) {
		close(fd);
		/* It is of no use before the first one. */
		if (!first)
			resend_note(front, message, -EMFILE);
		return;
	}
	r = install_socket(listener, &message->listener, fd);
	if (r < 0 && !first)
		close(fd);
	if (r < 0)
		log_service(LOG_ERR, listener->service->settings->name, r,
			    "cannot watch its socket");
}

static uint32_t endpoint_of(const struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_RELEASED:
		return message->released.endpoint;
	case CHANNEL_LISTENER:
		return message->listener.endpoint;
	default:
		return message->unread.endpoint;
	}
}

static void on_endpoint(struct front *front, const struct channel_message *message, int fd)
{
	uint32_t endpoint = endpoint_of(message);

	if (endpoint >= front->settings->n_endpoints) {
		if (fd >= 0)
			close(fd);
		return;
	}

	switch (message->type) {
	case CHANNEL_RELEASED:
		wait_released(&front->listeners[endpoint], message);
		break;
	case CHANNEL_LISTENER:
		install_listener(front, message, fd);
		break;
	default:
		datagram_spawn_unread(&front->listeners[endpoint], message, fd);
	}
}

/* What @message says of one that came without its descriptor. */
static void settle_resend(struct front *front, const struct channel_message *message)
{
	struct channel_message process;

	switch (message->type) {
	case CHANNEL_LISTENER:
	case CHANNEL_PROCESS:
	case CHANNEL_LOG:
		(void)resend_settle(front, message->type, message, NULL);
		break;
	case CHANNEL_PROCESS_GONE:
		(void)resend_settle(front, CHANNEL_PROCESS, message, NULL);
		break;
	case CHANNEL_LEAVE:
		/* It must be known to be dismissed. */
		if (resend_settle(front, CHANNEL_PROCESS, message, &process))
			pass_obey(front, &process, -1);
		break;
	default:
		break;
	}
}

static void obey(struct front *front, const struct channel_message *message, int fd)
{
	settle_resend(front, message);
	switch (message->type) {
	case CHANNEL_HALT:
		halt(front);
		break;
	case CHANNEL_RESUME:
		resume(front);
		break;
	case CHANNEL_DRAIN:
		drain(front, message->drain.limit_ms, message->drain.has_successor);
		break;
	case CHANNEL_ENDED:
		on_ended(front, &message->ended);
		break;
	case CHANNEL_POOL:
		on_pool(front, message);
		break;
	case CHANNEL_RELEASED:
	case CHANNEL_LISTENER:
	case CHANNEL_UNREAD:
		on_endpoint(front, message, fd);
		break;
	case CHANNEL_PROCESS:
	case CHANNEL_PROCESS_GONE:
	case CHANNEL_LEAVE:
		pass_obey(front, message, fd);
		break;
	case CHANNEL_PAUSE:
		front->held = true;
		break;
	case CHANNEL_CONTINUE:
		front->held = false;
		pass_flush(front);
		throttle_release_front(front);
		break;
	case CHANNEL_LOG:
		log_adopt_file(fd);
		break;
	case CHANNEL_PING:
		uplink_answer(front, CHANNEL_ALIVE);
		break;
	default:
		log_warning(0, "the keeper sent a message of type %u, ignoring", message->type);
		if (fd >= 0)
			close(fd);
	}
}

/* There was no free number for the descriptor that came with @message. */
static void do_without(struct front *front, const struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_LISTENER:
	case CHANNEL_PROCESS:
	case CHANNEL_LOG:
		resend_note(front, message, -EMFILE);
		break;
	default:
		if (message->unread.service < front->settings->n_services)
			log_service(LOG_WARNING,
				    front->settings->services[message->unread.service].name,
				    -EMFILE, "datagrams that came for its program are lost");
	}
}

/* Without a keeper nobody can start a program or reload: serve to the end whom we have. */
static void lose_keeper(struct front *front)
{
	watch_remove(&front->channel);
	uplink_abandon(front);
	if (!front->draining)
		log_warning(0, "the keeper has gone, finishing");
	/* A front that was halted has one, most likely. */
	drain(front, front->settings->grace_ms > 0 ? front->settings->grace_ms : 1, front->halted);
}

static void hear_again(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, deaf);

	if (front->channel.poller)
		(void)watch_change(&front->channel, front->channel.wanted | WATCH_READ);
}

/*
 * Its end would read as 0: the keeper is there, and what it said waits. Trying at once would
 * spin.
 */
static void pause_hearing(struct front *front)
{
	if (timer_set(&front->deaf, front->timers, clock_ms() + DEAF_MS, hear_again) == 0)
		(void)watch_change(&front->channel, front->channel.wanted & ~WATCH_READ);
}

void commands_on_ready(struct watch *watch)
{
	struct front *front = container_of(watch, struct front, channel);

	if (watch->ready & WATCH_WRITE)
		uplink_flush(front);

	for (int i = 0; i < COMMANDS_MAX; i++) {
		struct channel_message message;
		int fd = -1;
		int r;

		r = channel_receive(front->startup->channel, &message, &fd);
		if (r == -EAGAIN || r == -EINTR)
			return;
		if (r == -EBADMSG)
			log_error(r, "a message of the keeper was lost");
		if (r == -EMFILE)
			do_without(front, &message);
		if (r == -EBADMSG || r == -EMFILE)
			continue;
		if (r < 0) {
			pause_hearing(front);
			return;
		}
		if (r == 0) {
			lose_keeper(front);
			return;
		}
		obey(front, &message, fd);
	}
}
