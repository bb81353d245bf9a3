#include "front/commands.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "front/program/spawn-datagram.h"
#include "front/datagram/datagram.h"
#include "front/core/throttle.h"
#include "front/resend.h"
#include "front/datagram/queue-drops.h"
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
	char sessions[TEXT_COUNT_MAX];

	if (front->sessions.count > 0)
		log_info("time is up, ending %s",
			 text_count(sessions, front->sessions.count, "session"));
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (front->services[i].dispatch->end_clients)
			front->services[i].dispatch->end_clients(&front->services[i]);
	sessions_end_all(&front->sessions);
	front->context.mode = MODE_OVER;
}

static void close_listeners(struct front *front)
{
	for (size_t i = 0; i < front->settings->n_endpoints; i++) {
		struct front_listener *listener = &front->listeners[i];

		list_unlink(&listener->link);
		watch_remove(&listener->watch);
		reuseport_close(listener);
		if (listener->service->dispatch->forget)
			listener->service->dispatch->forget(listener);
		listener_close(listener->listener);
	}
}

static void drain_services(struct front *front, bool has_successor)
{
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (front->services[i].dispatch->drain)
			front->services[i].dispatch->drain(&front->services[i], has_successor);
}

/*
 * Closes the listeners and gives the clients @grace_ms (0: no limit) to end. The front ends when no
 * client is left.
 */
static void drain(struct front *front, int64_t grace_ms, bool has_successor)
{
	if (front->context.mode < MODE_DRAINING) {
		front->context.mode = MODE_DRAINING;
		close_listeners(front);
		queue_drops_say_rest(front);
		stderr_stop(front);
		datagram_spawn_abandon(front);
		drain_services(front, has_successor);
	}
	if (grace_ms > 0)
		(void)timer_set(&front->grace, front->context.timers, clock_ms() + grace_ms,
				end_sessions);
}

static void halt(struct front *front)
{
	if (front->context.mode == MODE_SERVING)
		front->context.mode = MODE_HALTED;
	reuseport_halt(front);
	stderr_stop(front);
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (front->services[i].dispatch->halt)
			front->services[i].dispatch->halt(&front->services[i]);
	uplink_answer(&front->uplink, CHANNEL_HALTED);
}

static void resume(struct front *front)
{
	if (front->context.mode >= MODE_DRAINING)
		return;
	uplink_forget(&front->uplink, CHANNEL_HALTED);
	front->context.mode = MODE_SERVING;
	reuseport_resume(front);
	stderr_start(front);
	for (size_t i = 0; i < front->settings->n_services; i++)
		if (front->services[i].dispatch->resume)
			front->services[i].dispatch->resume(&front->services[i]);
	throttle_release(&front->throttle);
}

static void on_halt(struct front *front, const struct channel_message *message, int fd)
{
	halt(front);
}

static void on_resume(struct front *front, const struct channel_message *message, int fd)
{
	resume(front);
}

static void on_drain(struct front *front, const struct channel_message *message, int fd)
{
	drain(front, message->drain.limit_ms, message->drain.has_successor);
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

static struct front_service *find_service(struct front *front, uint32_t index)
{
	return index < front->settings->n_services ? &front->services[index] : NULL;
}

static struct front_listener *find_listener(struct front *front, uint32_t endpoint)
{
	return endpoint < front->settings->n_endpoints ? &front->listeners[endpoint] : NULL;
}

static void on_ended(struct front *front, const struct channel_message *message, int fd)
{
	struct front_service *service = find_service(front, message->ended.service);

	if (!service)
		return;
	service_children_ended(service, message->ended.children);
	throttle_release_service(service);
}

static void on_released(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener = find_listener(front, message->released.endpoint);

	if (!listener)
		return;
	if (listener->service->dispatch->released)
		listener->service->dispatch->released(listener, message);
	else
		throttle_watch(listener);
}

/* Takes over @fd, except when a further socket (not the first) fails. */
static int install_socket(struct front_listener *listener, const struct channel_listener *socket,
			  int fd)
{
	int r;

	if (socket->socket == 0) {
		listener->listener->fd = fd;
		listener->counted_drops = drop_counts_of(
			listener->service->context->startup->drop_counts, socket->number);
		r = datagram_guard_own(listener);
		if (r < 0)
			return r;
	}
	if (listener->service->dispatch->add_socket)
		return listener->service->dispatch->add_socket(listener, fd);
	if (socket->socket > 0)
		return -EINVAL;
	throttle_watch(listener);
	return 0;
}

static void on_listener(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener = find_listener(front, message->listener.endpoint);
	bool first = message->listener.socket == 0;
	int r;

	if (!listener || front->context.mode >= MODE_DRAINING ||
	    first != (listener->listener->fd < 0)) {
		close(fd);
		/* A further socket is of no use before the first one. */
		if (listener && !first)
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

/* For messages that begin with the service. */
static void to_service(struct front *front, const struct channel_message *message, int fd)
{
	struct front_service *service = find_service(front, message->process.service);

	if (service && service->dispatch->on_service_message)
		service->dispatch->on_service_message(service, message, fd);
	else if (fd >= 0)
		close(fd);
}

static void on_unread(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener = find_listener(front, message->unread.endpoint);

	if (listener && listener->service->dispatch->on_listener_message)
		listener->service->dispatch->on_listener_message(listener, message, fd);
	else
		close(fd);
}

/* Each takes over the descriptor, which comes exactly with the types that have one. */
static void (*const commands[CHANNEL_TYPES])(struct front *front,
					     const struct channel_message *message, int fd) = {
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
	[CHANNEL_UNREAD] = on_unread,
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
		service = find_service(front, message->unread.service);
		if (service)
			log_service(LOG_WARNING, service->settings->name, -EMFILE,
				    "datagrams that came for its program are lost");
	}
}

/* Without a keeper nothing can be started or reloaded. The front serves its clients to the end. */
static void lose_keeper(struct front *front)
{
	uplink_abandon(&front->uplink);
	if (front->context.mode < MODE_DRAINING)
		log_warning(0, "the keeper has gone, finishing");
	/* A halted front most likely has a successor. */
	drain(front, front->settings->grace_ms > 0 ? front->settings->grace_ms : 1,
	      front->context.mode == MODE_HALTED);
}

static void hear_again(struct timer *timer)
{
	struct front *front = container_of(timer, struct front, deaf);

	uplink_listen(&front->uplink, true);
}

/*
 * Memory was short. The keeper still runs and its messages wait, but to read again at once would
 * spin.
 */
static void pause_hearing(struct front *front)
{
	if (timer_set(&front->deaf, front->context.timers, clock_ms() + DEAF_MS, hear_again) == 0)
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
	struct front_service *service = find_service(front, message->request.service);

	if (service && service->dispatch->request_lost)
		service->dispatch->request_lost(service, message, error);
}

const struct uplink_events commands_uplink = { on_readable, on_writable, on_lost };
