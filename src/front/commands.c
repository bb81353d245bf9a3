#include "front/commands.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel/startup.h"
#include "front/front.h"
#include "front/resend.h"

#define COMMANDS_MAX 64 /* a turn */
#define HEAR_AGAIN_MS 50

typedef void command_fn(struct front *front, const struct channel_message *message, int fd);

static void on_halt(struct front *front, const struct channel_message *message, int fd)
{
	if (front->context.mode == MODE_SERVING)
		front->context.mode = MODE_HALTED;
	program_log_stop(&front->program_log);
	services_halt(&front->services);
	uplink_answer(&front->uplink, CHANNEL_HALTED);
}

static void on_resume(struct front *front, const struct channel_message *message, int fd)
{
	if (front->context.mode >= MODE_DRAINING)
		return;
	uplink_forget(&front->uplink, CHANNEL_HALTED);
	front->context.mode = MODE_SERVING;
	program_log_start(&front->program_log);
	services_resume(&front->services);
	throttle_release(&front->throttle);
}

static void end_clients(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, grace_timer);

	services_end_clients(&front->services);
	front->context.mode = MODE_OVER;
}

/* Closes the listeners, and gives the clients @grace_ms (0: no limit) to end. */
static void drain(struct front *front, int64_t grace_ms, bool has_successor)
{
	if (front->context.mode < MODE_DRAINING) {
		front->context.mode = MODE_DRAINING;
		program_log_stop(&front->program_log);
		services_drain(&front->services, has_successor);
	}
	if (grace_ms > 0)
		(void)timer_set(&front->grace_timer, front->context.timers, clock_ms() + grace_ms,
				end_clients);
}

static void on_drain(struct front *front, const struct channel_message *message, int fd)
{
	drain(front, message->drain.limit_ms, message->drain.has_successor);
}

static void on_ended(struct front *front, const struct channel_message *message, int fd)
{
	struct front_service *service = services_find(&front->services, message->ended.service);

	if (!service)
		return;
	service_children_ended(service, message->ended.children);
	throttle_release_service(service);
}

static void on_released(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener =
		services_find_listener(&front->services, message->released.endpoint);

	if (!listener)
		return;
	if (listener->service->dispatch->released)
		listener->service->dispatch->released(listener, message);
	else
		throttle_watch(listener);
}

static void on_listener(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener =
		services_find_listener(&front->services, message->listener.endpoint);
	bool is_own = message->listener.socket == 0;

	if (!listener || front->context.mode >= MODE_DRAINING ||
	    is_own != (listener->listener->fd < 0)) {
		close(fd);
		/* It is of no use before its own. */
		if (listener && !is_own)
			resend_note(front, message, -EMFILE);
		return;
	}
	services_add_socket(&front->services, listener, fd, is_own);
}

/* For messages that begin with the service. */
static void to_service(struct front *front, const struct channel_message *message, int fd)
{
	struct front_service *service = services_find(&front->services, message->process.service);

	if (service && service->dispatch->on_service_message)
		service->dispatch->on_service_message(service, message, fd);
	else if (fd >= 0)
		close(fd);
}

static void to_listener(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener =
		services_find_listener(&front->services, message->unread.endpoint);

	if (listener && listener->service->dispatch->on_listener_message)
		listener->service->dispatch->on_listener_message(listener, message, fd);
	else if (fd >= 0)
		close(fd);
}

static void on_pause(struct front *front, const struct channel_message *message, int fd)
{
	throttle_pause(&front->throttle, true);
}

static void on_continue(struct front *front, const struct channel_message *message, int fd)
{
	throttle_pause(&front->throttle, false);
}

static void on_ping(struct front *front, const struct channel_message *message, int fd)
{
	uplink_answer(&front->uplink, CHANNEL_ALIVE);
}

static void on_log(struct front *front, const struct channel_message *message, int fd)
{
	log_adopt_file(fd);
}

/* Each takes over the descriptor, which comes exactly with the types that have one. */
static command_fn *const commands[CHANNEL_TYPES] = {
	[CHANNEL_HALT] = on_halt,
	[CHANNEL_RESUME] = on_resume,
	[CHANNEL_DRAIN] = on_drain,
	[CHANNEL_ENDED] = on_ended,
	[CHANNEL_RELEASED] = on_released,
	[CHANNEL_LISTENER] = on_listener,
	[CHANNEL_POOL] = to_service,
	[CHANNEL_PROCESS] = to_service,
	[CHANNEL_PROCESS_GONE] = to_service,
	[CHANNEL_LEAVE] = to_service,
	[CHANNEL_UNREAD] = to_listener,
	[CHANNEL_PAUSE] = on_pause,
	[CHANNEL_CONTINUE] = on_continue,
	[CHANNEL_PING] = on_ping,
	[CHANNEL_LOG] = on_log,
};

/* @message may make an earlier message obsolete that came without its descriptor. */
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
			to_service(front, &process, -1);
		break;
	default:
		break;
	}
}

static void obey(struct front *front, const struct channel_message *message, int fd)
{
	settle_resend(front, message);
	if (commands[message->type]) {
		commands[message->type](front, message, fd);
		return;
	}
	log_warning(0, "the keeper sent a message of type %u, ignoring", message->type);
	if (fd >= 0)
		close(fd);
}

/* The descriptor of @message was lost, because no number was free for it. */
static void do_without(struct front *front, const struct channel_message *message)
{
	const struct front_service *service;

	switch (message->type) {
	case CHANNEL_LISTENER:
	case CHANNEL_PROCESS:
	case CHANNEL_LOG:
		resend_note(front, message, -EMFILE);
		break;
	default:
		service = services_find(&front->services, message->unread.service);
		if (service)
			log_service(LOG_WARNING, service->settings->name, -EMFILE,
				    "datagrams that came for its program are lost");
	}
}

/* Without a keeper nothing can be started or reloaded. The front serves its clients to the end. */
static void lose_keeper(struct front *front)
{
	int64_t grace_ms = front->context.startup->settings->grace_ms;

	uplink_abandon(&front->uplink);
	if (front->context.mode < MODE_DRAINING)
		log_warning(0, "the keeper has gone, finishing");
	/* A halted front most likely has a successor. */
	drain(front, grace_ms > 0 ? grace_ms : 1, front->context.mode == MODE_HALTED);
}

static void hear_again(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, hear_timer);

	uplink_listen(&front->uplink, true);
}

/*
 * Memory was short. The keeper still runs and its messages wait, but to read again at once would
 * spin.
 */
static void pause_hearing(struct front *front)
{
	if (timer_set(&front->hear_timer, front->context.timers, clock_ms() + HEAR_AGAIN_MS,
		      hear_again) == 0)
		uplink_listen(&front->uplink, false);
}

static void on_readable(struct uplink *uplink)
{
	struct front *front = container_of(uplink, struct front, uplink);

	for (int i = 0; i < COMMANDS_MAX; i++) {
		struct channel_message message;
		int fd = -1;
		int r;

		r = channel_receive(uplink->watch.fd, &message, &fd);
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

static void on_writable(struct uplink *uplink)
{
	struct front *front = container_of(uplink, struct front, uplink);

	throttle_release(&front->throttle);
}

static void on_lost(struct uplink *uplink, const struct channel_message *message, int error)
{
	struct front *front = container_of(uplink, struct front, uplink);
	struct front_service *service = services_find(&front->services, message->request.service);

	if (service && service->dispatch->request_lost)
		service->dispatch->request_lost(service, message, error);
}

const struct uplink_events commands_uplink = { on_readable, on_writable, on_lost };
