#include "keeper/fronts/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "config/settings.h"
#include "keeper/pool/notices.h"
#include "keeper/pool/pool.h"
#include "keeper/fronts/front.h"
#include "keeper/child/request.h"
#include "keeper/state.h"

/* Requests of one front before the other watches get their turn. */
#define BATCH 64

/* A front that is behind by so much has stopped reading, and would cost memory without end. */
#define OUTGOING_MAX 65536

struct outgoing {
	struct list link;
	struct channel_message message;
	int fd;
};

static void forget_outgoing(struct front *front, struct outgoing *outgoing)
{
	list_unlink(&outgoing->link);
	if (outgoing->fd >= 0)
		close(outgoing->fd);
	free(outgoing);
	front->n_outgoing--;
}

void front_drop_outgoing(struct front *front)
{
	list_for_each(at, next, &front->outgoing)
		forget_outgoing(front, container_of(at, struct outgoing, link));
}

void front_abandon_outgoing(struct front *front)
{
	list_for_each(at, next, &front->outgoing) {
		struct outgoing *outgoing = container_of(at, struct outgoing, link);

		if (outgoing->fd >= 0)
			close(outgoing->fd);
	}
}

/* Flushes what waited, until the channel is full again. */
static void flush(struct front *front)
{
	list_for_each(at, next, &front->outgoing) {
		struct outgoing *outgoing = container_of(at, struct outgoing, link);

		if (channel_send(front->channel, &outgoing->message, outgoing->fd) == -EAGAIN)
			return;
		forget_outgoing(front, outgoing);
	}
}

static void watch_again(struct front *front)
{
	unsigned wanted = 0;

	if (!front->silent && front->keeper->spare >= 0)
		wanted |= WATCH_READ;
	if (list_is_linked(&front->outgoing) && !front->silent)
		wanted |= WATCH_WRITE;
	(void)watch_change(&front->watch, wanted);
}

/* It would count wrongly for ever: a new one starts from the truth. */
static void give_up_on(struct front *front, int error, const char *why)
{
	log_error(error, "%s (pid %ld); starting another", why, (long)front->pid);
	kill(front->pid, SIGKILL);
	front->deaf = true;
	front_drop_outgoing(front);
}

static void keep(struct front *front, const struct channel_message *message, int fd)
{
	struct outgoing *outgoing = NULL;

	if (front->n_outgoing < OUTGOING_MAX)
		outgoing = malloc(sizeof(*outgoing));
	if (!outgoing) {
		if (fd >= 0)
			close(fd);
		if (front->n_outgoing < OUTGOING_MAX)
			give_up_on(front, -ENOMEM, "cannot keep a message for the front");
		else
			give_up_on(front, 0, "the front does not read what it is told");
		return;
	}

	*outgoing = (struct outgoing){ .message = *message, .fd = fd };
	list_add_before(&front->outgoing, &outgoing->link);
	front->n_outgoing++;
}

/* Returns false when it must wait for room; else it was sent, or its end is noticed elsewhere. */
static bool send_at_once(struct front *front, const struct channel_message *message, int fd)
{
	return front->deaf || (!list_is_linked(&front->outgoing) &&
			       channel_send(front->channel, message, fd) != -EAGAIN);
}

void front_send(struct front *front, const struct channel_message *message, int fd)
{
	if (send_at_once(front, message, fd)) {
		if (fd >= 0)
			close(fd);
		return;
	}

	keep(front, message, fd);
	watch_again(front);
}

void front_order(struct front *front, enum channel_type type)
{
	front_send(front, &(struct channel_message){ .type = type }, -1);
}

void front_lend(struct front *front, const struct channel_message *message, int fd)
{
	int copy;

	if (send_at_once(front, message, fd))
		return;
	copy = fd_duplicate(fd);
	if (copy < 0)
		give_up_on(front, copy, "cannot keep a message for the front");
	else
		front_send(front, message, copy);
}

void front_lend_socket(struct front *front, uint32_t endpoint, uint32_t number)
{
	const struct settings *settings = front->generation->settings;
	int fd = listener_socket(front->generation->listeners[endpoint], number);
	const struct channel_message message = {
		.type = CHANNEL_LISTENER,
		.listener.service = (uint32_t)settings_service_of(settings, endpoint)->index,
		.listener.endpoint = endpoint,
		.listener.socket = number,
		.listener.number = fd,
	};

	front_lend(front, &message, fd);
}

void front_lend_log(struct front *front)
{
	const struct channel_message message = { .type = CHANNEL_LOG };

	if (log_descriptor() >= 0)
		front_lend(front, &message, log_descriptor());
}

/* It had no free number for the descriptor that came with a message. */
static int send_again(struct front *front, const struct channel_resend *resend)
{
	const struct generation *generation = front->generation;
	const struct pool *pool = pool_of_front(front, resend->owner);

	switch (resend->type) {
	case CHANNEL_LOG:
		front_lend_log(front);
		return 0;
	case CHANNEL_PROCESS:
		if (!pool || !pool->passes)
			return -EBADMSG;
		pool_tell_process_again(front, pool, resend->number);
		return 0;
	case CHANNEL_LISTENER:
		/* A front that drains after a reload needs no socket. */
		if (!generation || resend->owner >= generation->settings->n_endpoints)
			return -EBADMSG;
		if (resend->number < listener_n_sockets(generation->listeners[resend->owner]))
			front_lend_socket(front, resend->owner, resend->number);
		return 0;
	default:
		return -EBADMSG;
	}
}

static void tell_ended(struct keeper *keeper, const struct service_record *record, unsigned n)
{
	list_for_each(at, next, &keeper->fronts) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message = { .type = CHANNEL_ENDED, .ended.children = n };
		int64_t service;

		if (!front_counts(front))
			continue;
		service = generation_service(front->generation, record);
		if (service < 0)
			continue;
		message.ended.service = (uint32_t)service;
		front_send(front, &message, -1);
	}
}

void fronts_note_ended(struct keeper *keeper, struct service_record *record)
{
	if (record->unreported++ == 0)
		list_add_before(&keeper->unreported, &record->unreported_link);
}

void fronts_tell_ended(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->unreported) {
		struct service_record *record =
			container_of(at, struct service_record, unreported_link);

		list_unlink(&record->unreported_link);
		tell_ended(keeper, record, record->unreported);
		record->unreported = 0;
	}
}

static int act_on(struct front *front, const struct channel_message *message, int fd)
{
	switch (message->type) {
	case CHANNEL_READY:
		if (front->state != FRONT_STARTING)
			return 0;
		front->state = FRONT_SERVING;
		keeper_front_ready(front->keeper, front);
		return 0;
	case CHANNEL_HALTED:
		if (front->state == FRONT_HALTING) {
			front->state = FRONT_HALTED;
			reload_halted(front->keeper);
		}
		return 0;
	case CHANNEL_ALIVE:
		front->ping_pending = false;
		return 0;
	case CHANNEL_RESEND:
		return send_again(front, &message->resend);
	default:
		return request_handle(front->keeper, front, message, fd);
	}
}

/* A front that says what no front says is not ours any more. */
static void distrust(struct front *front)
{
	log_error(0, "the front (pid %ld) sent a message that it must not; ending it",
		  (long)front->pid);
	kill(front->pid, SIGKILL);
	front->silent = true;
}

/* Returns as channel_receive() does. The spare number is free for a descriptor. */
static int take_message(struct front *front)
{
	struct channel_message message;
	int fd = -1, r;

	r = channel_receive(front->channel, &message, &fd);
	/* What is opened meanwhile and stays open must not have the number. */
	if (r == 1 && fd < 0)
		request_restore_spare(front->keeper);
	if (r == 1)
		r = act_on(front, &message, fd) < 0 ? -EBADMSG : 1;
	if (r == 0)
		front->silent = true;
	else if (r == -EBADMSG)
		distrust(front);
	else if (r == -EMFILE)
		request_lose(front->keeper, front, &message);
	return r;
}

/*
 * Most messages leave no descriptor behind, and then one gift of the spare number serves them all.
 */
static void take_messages(struct front *front)
{
	struct keeper *keeper = front->keeper;
	unsigned kept = keeper->kept;
	int r = 1;

	for (int i = 0; i < BATCH && keeper->kept == kept && r == 1; i++) {
		if ((i == 0 || keeper->spare >= 0) && !request_release_spare(keeper)) {
			request_stall(keeper, -EMFILE);
			return;
		}
		r = take_message(front);
	}

	if (r < 0 && r != -EAGAIN && r != -EINTR && r != -EBADMSG && r != -EMFILE)
		request_stall(keeper, r);
	else
		request_restore_spare(keeper);
}

void front_on_channel(struct watch *watch)
{
	struct front *front = container_of(watch, struct front, watch);

	if (watch->ready & WATCH_WRITE)
		flush(front);
	if (watch->ready & WATCH_READ)
		take_messages(front);
	watch_again(front);
	front_forget_if_over(front);
}

void fronts_listen(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->fronts)
		watch_again(container_of(at, struct front, link));
}
