#include "keeper/child/unread.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/channel.h"
#include "keeper/child/child.h"
#include "keeper/fronts/front.h"
#include "keeper/fronts/fronts.h"
#include "keeper/listen/listener-table.h"
#include "keeper/service/generation.h"
#include "keeper/service/service-record.h"
#include "net/closer.h"

void unread_init(struct unread *unread, struct fronts *fronts)
{
	*unread = (struct unread){ .fronts = fronts };
	list_init(&unread->waiting);
}

static bool is_waiting(const struct child *child)
{
	struct pollfd waiting = { .fd = child->unread, .events = POLLIN };

	return child->unread >= 0 && poll(&waiting, 1, 0) > 0;
}

static void say_lost(const struct child *child)
{
	log_service(LOG_WARNING, child->record->name, 0,
		    "datagrams that came for its program are lost");
}

/* Writes the indices of the child's endpoint in the settings of @front. False: it has none. */
static bool address_message(struct channel_message *message, const struct front *front,
			    const struct child *child)
{
	int64_t service, endpoint;

	if (!child->bound)
		return false;
	service = generation_service(front->generation, child->record);
	if (service < 0)
		return false;
	endpoint = generation_endpoint(front->generation, service, child->bound);
	if (endpoint < 0)
		return false;

	message->unread.service = (uint32_t)service;
	message->unread.endpoint = (uint32_t)endpoint;
	return true;
}

/* Takes over @fd. -1: it could not be duplicated. */
static void give(struct front *front, const struct child *child, int fd)
{
	struct channel_message message = {
		.type = CHANNEL_UNREAD,
		.unread.local.length = sizeof(message.unread.local.un),
	};

	if (fd < 0 || !address_message(&message, front, child)) {
		closer_release(fd);
		say_lost(child);
		return;
	}
	if (getsockname(fd, &message.unread.local.any, &message.unread.local.length) < 0)
		message.unread.local.length = 0;
	front_send(front, &message, fd);
}

void unread_pass(const struct unread *unread, const struct child *child)
{
	struct front *front = fronts_asking(unread->fronts);

	if (front && is_waiting(child))
		give(front, child, fd_duplicate(child->unread));
}

/* Other processes of the program's session may still answer after its end. */
static bool may_answer(const struct child *child)
{
	return child->pid > 0 && (kill(-child->pid, 0) == 0 || errno != ESRCH);
}

/* A socket that is connected to itself receives nothing more, and keeps what it has. */
void unread_turn_away(const struct child *child)
{
	struct address own = { .length = sizeof(own.un) };

	if (child->unread < 0 || may_answer(child))
		return;
	if (getsockname(child->unread, &own.any, &own.length) == 0 && !address_is_unix(&own))
		(void)connect(child->unread, &own.any, own.length);
}

void unread_end(struct unread *unread, struct child *child)
{
	struct front *front = fronts_asking(unread->fronts);

	if (!front && !unread->stopped && is_waiting(child)) {
		list_add_before(&unread->waiting, &child->unread_link);
		return;
	}
	if (is_waiting(child)) {
		if (front)
			give(front, child, take_fd(child->unread));
		else
			say_lost(child);
	}
	child_free(child);
}

void unread_pass_all(struct unread *unread)
{
	if (!fronts_asking(unread->fronts))
		return;
	list_for_each(at, next, &unread->waiting) {
		struct child *child = container_of(at, struct child, unread_link);

		list_unlink(&child->unread_link);
		unread_end(unread, child);
	}
}

static void lose(struct child *child)
{
	list_unlink(&child->unread_link);
	say_lost(child);
	child_free(child);
}

static bool is_served(const struct child *child)
{
	return child->record->generations > 0 && child->bound && child->bound->generations > 0;
}

void unread_sweep(struct unread *unread)
{
	list_for_each(at, next, &unread->waiting) {
		struct child *child = container_of(at, struct child, unread_link);

		if (!is_served(child))
			lose(child);
	}
}

void unread_abandon(struct unread *unread)
{
	list_for_each(at, next, &unread->waiting)
		close(container_of(at, struct child, unread_link)->unread);
}

void unread_fini(struct unread *unread)
{
	list_for_each(at, next, &unread->waiting)
		lose(container_of(at, struct child, unread_link));
}

void unread_stop(struct unread *unread)
{
	unread->stopped = true;
}
