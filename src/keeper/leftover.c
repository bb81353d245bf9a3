#include "keeper/leftover.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/channel.h"
#include "keeper/front-channel.h"
#include "keeper/front-process.h"
#include "keeper/state.h"

/* Whether it may still ask for programs, by what it was told and has answered. */
static bool asks(const struct front *front)
{
	return front->state == FRONT_STARTING || front->state == FRONT_SERVING;
}

static struct front *find_front(struct keeper *keeper)
{
	struct front *found = NULL;

	list_for_each(at, next, &keeper->fronts) {
		struct front *front = container_of(at, struct front, link);

		if (asks(front))
			found = front;
	}
	return found;
}

static bool is_waiting(const struct child *child)
{
	struct pollfd waiting = { .fd = child->leftover, .events = POLLIN };

	return child->leftover >= 0 && poll(&waiting, 1, 0) > 0;
}

static void say_lost(const struct child *child)
{
	log_service(LOG_WARNING, child->slot->name, 0,
		    "datagrams that came for its program are lost");
}

/* Names the child's endpoint as @front knows it. Returns false where it does not. */
static bool address_message(struct channel_message *message, const struct front *front,
			    const struct child *child)
{
	int64_t service, endpoint;

	if (!child->housed)
		return false;
	service = generation_service(front->generation, child->slot);
	if (service < 0)
		return false;
	endpoint = generation_endpoint(front->generation, service, child->housed);
	if (endpoint < 0)
		return false;

	message->service = (uint32_t)service;
	message->endpoint = (uint32_t)endpoint;
	return true;
}

/* Takes over @fd, or -1 if it could not be had. */
static void give(struct front *front, const struct child *child, int fd)
{
	struct channel_message message = {
		.type = CHANNEL_LEFTOVER,
		.local.length = sizeof(message.local.un),
	};

	if (fd < 0 || !address_message(&message, front, child)) {
		if (fd >= 0)
			close(fd);
		say_lost(child);
		return;
	}
	if (getsockname(fd, &message.local.any, &message.local.length) < 0)
		message.local.length = 0;
	front_send(front, &message, fd);
}

void leftover_pass(struct keeper *keeper, const struct child *child)
{
	struct front *front = find_front(keeper);

	if (front && is_waiting(child))
		give(front, child, fd_duplicate(child->leftover));
}

/* A program that has ended may have left others of its session behind, which answer yet. */
static bool may_answer(const struct child *child)
{
	return child->pid > 0 && (kill(-child->pid, 0) == 0 || errno != ESRCH);
}

/* Connected to itself the socket takes nobody's datagrams, and keeps those that it has. */
void leftover_turn_away(const struct child *child)
{
	struct address own = { .length = sizeof(own.un) };

	if (child->leftover < 0 || may_answer(child))
		return;
	if (getsockname(child->leftover, &own.any, &own.length) == 0 && !address_is_unix(&own))
		(void)connect(child->leftover, &own.any, own.length);
}

void leftover_end(struct keeper *keeper, struct child *child)
{
	struct front *front = find_front(keeper);

	if (!front && !keeper->stopping && is_waiting(child)) {
		list_add_before(&keeper->leftovers, &child->leftover_link);
		return;
	}
	if (is_waiting(child)) {
		if (front)
			give(front, child, take_fd(child->leftover));
		else
			say_lost(child);
	}
	child_free(child);
}

void leftovers_pass(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->leftovers) {
		struct child *child = container_of(at, struct child, leftover_link);

		list_unlink(&child->leftover_link);
		leftover_end(keeper, child);
	}
}

static void lose(struct child *child)
{
	list_unlink(&child->leftover_link);
	say_lost(child);
	child_free(child);
}

static bool is_served(const struct child *child)
{
	return child->slot->generations > 0 && child->housed && child->housed->generations > 0;
}

void leftovers_sweep(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->leftovers) {
		struct child *child = container_of(at, struct child, leftover_link);

		if (!is_served(child))
			lose(child);
	}
}

void leftovers_abandon(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->leftovers)
		close(container_of(at, struct child, leftover_link)->leftover);
}

void leftovers_end(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->leftovers)
		lose(container_of(at, struct child, leftover_link));
}
