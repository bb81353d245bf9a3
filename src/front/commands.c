#include "front/commands.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process-title.h"
#include "channel/startup.h"
#include "front/front.h"

#define COMMANDS_MAX 64 /* a turn */

typedef void command_fn(struct front *front, const struct channel_message *message, int fd);

static void on_halt(struct front *front, const struct channel_message *message, int fd)
{
	log_debug("taking no more clients: another front is about to take over");
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
	log_debug("taking clients again: no other front has taken over");
	uplink_forget(&front->uplink, CHANNEL_HALTED);
	front->context.mode = MODE_SERVING;
	program_log_start(&front->program_log);
	services_resume(&front->services);
	throttle_resume(&front->throttle);
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
		log_debug("finishing the last clients: sessions %zu, processes with clients %zu",
			  front->builtins.sessions.count, (size_t)front->pass.group.n_processes);
		front->context.mode = MODE_DRAINING;
		process_title_set("front, draining");
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
	throttle_resume_service(service);
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
	    (!is_own && listener->listener->fd < 0)) {
		close(fd);
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

static void log_unread(const struct front *front, const struct channel_message *message, int error)
{
	const struct front_service *service =
		services_find(&front->services, message->unread.service);

	if (service)
		log_service(LOG_WARNING, service->settings->name, error,
			    "datagrams that came for its program are lost");
}

static void to_listener(struct front *front, const struct channel_message *message, int fd)
{
	struct front_listener *listener =
		services_find_listener(&front->services, message->unread.endpoint);

	if (listener && listener->service->dispatch->on_listener_message) {
		listener->service->dispatch->on_listener_message(listener, message, fd);
		return;
	}
	/* A reload may have changed the kind of the service. */
	log_unread(front, message, 0);
	close(fd);
}

static void on_pause(struct front *front, const struct channel_message *message, int fd)
{
	throttle_pause_requests(&front->throttle, true);
}

static void on_continue(struct front *front, const struct channel_message *message, int fd)
{
	throttle_pause_requests(&front->throttle, false);
}

static void on_ping(struct front *front, const struct channel_message *message, int fd)
{
	if (atomic_exchange(&front->builtins.readers.found_shut, false))
		uplink_answer(&front->uplink, CHANNEL_RUINED);
	uplink_answer(&front->uplink, CHANNEL_ALIVE);
}

static void on_log(struct front *front, const struct channel_message *message, int fd)
{
	log_adopt(message->log.target, fd);
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

static void obey(struct front *front, const struct channel_message *message, int fd)
{
	if (commands[message->type]) {
		commands[message->type](front, message, fd);
		return;
	}
	log_warning(0, "the keeper sent a message of type %u, ignoring", message->type);
	if (fd >= 0)
		close(fd);
}

/* The descriptor of @message was lost, because no number was free, not even a reserved one. */
static void do_without(struct front *front, const struct channel_message *message)
{
	if (message->type == CHANNEL_UNREAD) {
		log_unread(front, message, -EMFILE);
		return;
	}
	log_error(-EMFILE, "cannot take what the keeper sent with a message %s",
		  channel_traits(message->type)->name);
	/* The kind `pass` ends a process without a socket. */
	if (message->type == CHANNEL_PROCESS)
		to_service(front, message, -1);
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

/* Returns whether there may be another message. */
static bool receive_one(struct front *front)
{
	struct channel_message message;
	int fd = -1;
	int r;

	r = channel_receive(front->uplink.watch.fd, &message, &fd);
	switch (r) {
	case 1:
		obey(front, &message, fd);
		return true;
	case 0:
		lose_keeper(front);
		return false;
	case -EAGAIN:
	case -EINTR:
		return false;
	case -EBADMSG:
		log_error(r, "a message of the keeper was lost");
		if (fd >= 0)
			close(fd);
		channel_skip(front->uplink.watch.fd);
		return true;
	case -EMFILE:
		channel_skip(front->uplink.watch.fd);
		do_without(front, &message);
		return true;
	default:
		/* Memory was short. The keeper still runs and its messages wait. */
		uplink_pause_reading(&front->uplink);
		return false;
	}
}

static void on_readable(struct uplink *uplink)
{
	struct front *front = container_of(uplink, struct front, uplink);

	descriptors_lift(&front->descriptors);
	for (int i = 0; i < COMMANDS_MAX && receive_one(front); i++)
		;
	descriptors_lower(&front->descriptors);
}

static void on_writable(struct uplink *uplink)
{
	struct front *front = container_of(uplink, struct front, uplink);

	throttle_resume(&front->throttle);
}

static void on_lost(struct uplink *uplink, const struct channel_message *message, int error)
{
	struct front *front = container_of(uplink, struct front, uplink);
	struct front_service *service = services_find(&front->services, message->request.service);

	if (service && service->dispatch->request_lost)
		service->dispatch->request_lost(service, message, error);
}

const struct uplink_events commands_uplink = { on_readable, on_writable, on_lost };
