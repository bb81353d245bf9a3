#include "keeper/front-process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/board.h"
#include "config/settings.h"
#include "keeper/crew-tell.h"
#include "keeper/crew.h"
#include "keeper/state.h"

/* Requests of one front before the other watches get their turn. */
#define BATCH 64

struct outgoing {
	struct list link;
	struct channel_message message;
	int fd;
};

static void forget_outgoing(struct outgoing *outgoing)
{
	list_unlink(&outgoing->link);
	if (outgoing->fd >= 0)
		close(outgoing->fd);
	free(outgoing);
}

void front_free(struct front *front)
{
	if (!front)
		return;

	list_for_each(at, next, &front->outgoing)
		forget_outgoing(container_of(at, struct outgoing, link));
	watch_remove(&front->watch);
	if (front->channel >= 0)
		close(front->channel);
	list_unlink(&front->link);
	generation_unref(front->generation);
	for (size_t i = 0; i < front->n_crews; i++)
		crew_unref(front->crews[i]);
	free(front->crews);
	if (front->tally) {
		/*
		 * Newer fronts see the same memory, and must not count sessions that are no more.
		 */
		memset(front->tally, 0, sizeof(*front->tally));
		tally_free(front->tally);
	}
	free(front);
}

/* Clients that were passed on are still with their programs. */
static unsigned live_sessions(const struct front *front)
{
	unsigned n = 0;

	for (const struct slot *slot = front->keeper->slots.by_name; slot; slot = slot->hh.next)
		if (!slot->crew || !slot->crew->passes)
			n += atomic_load(&front->tally->sessions[slot->number]);
	return n;
}

static void forget(struct front *front)
{
	struct keeper *keeper = front->keeper;
	unsigned lost = live_sessions(front);
	bool failed = front->state != FRONT_DRAINING || front->ended_status != 0;

	if (failed && WIFSIGNALED(front->ended_status))
		log_error(0,
			  "the front (pid %ld) was killed by signal %d (%s); %u sessions were lost",
			  (long)front->pid, WTERMSIG(front->ended_status),
			  strsignal(WTERMSIG(front->ended_status)), lost);
	else if (failed)
		log_error(0, "the front (pid %ld) ended with status %d; %u sessions were lost",
			  (long)front->pid, WEXITSTATUS(front->ended_status), lost);

	if (keeper->front == front)
		keeper->front = NULL;
	list_unlink(&front->link);
	keeper_front_gone(keeper, front);
	front_free(front);
}

static void forget_if_over(struct front *front)
{
	if (front->ended && front->silent)
		forget(front);
}

/* Flushes what waited. Returns false when the channel is full again or the front has gone. */
static bool flush(struct front *front)
{
	list_for_each(at, next, &front->outgoing) {
		struct outgoing *outgoing = container_of(at, struct outgoing, link);
		int r = channel_send(front->channel, &outgoing->message, outgoing->fd);

		if (r == -EAGAIN)
			return false;
		forget_outgoing(outgoing);
	}
	return true;
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

void front_send(struct front *front, const struct channel_message *message, int fd)
{
	struct outgoing *outgoing;

	if (!list_is_linked(&front->outgoing) &&
	    channel_send(front->channel, message, fd) != -EAGAIN) {
		/* Sent, or it has gone: its end is noticed elsewhere. */
		if (fd >= 0)
			close(fd);
		return;
	}

	outgoing = calloc(1, sizeof(*outgoing));
	if (!outgoing) {
		/* It would count wrongly for ever: a new one starts from the truth. */
		log_error(-ENOMEM, "cannot keep a message for the front; starting another");
		kill(front->pid, SIGKILL);
		if (fd >= 0)
			close(fd);
		return;
	}
	outgoing->message = *message;
	outgoing->fd = fd;
	list_add_before(&front->outgoing, &outgoing->link);
	watch_again(front);
}

void front_order(struct front *front, enum channel_type type, uint32_t count)
{
	front_send(front, &(struct channel_message){ .type = type, .count = count }, -1);
}

void front_drain(struct front *front, uint32_t limit_ms)
{
	front->state = FRONT_DRAINING;
	front_order(front, CHANNEL_DRAIN, limit_ms);
}

static void keep_crews(struct front *front)
{
	const struct generation *generation = front->generation;

	front->crews = calloc(generation->n_slots + 1, sizeof(*front->crews));
	if (!front->crews)
		return;
	front->n_crews = generation->n_slots;
	for (size_t i = 0; i < front->n_crews; i++)
		front->crews[i] = crew_ref(generation->crews[i]);
}

void front_retire(struct front *front)
{
	keep_crews(front);
	generation_unref(take_ptr(front->generation));
}

bool front_counts(const struct front *front)
{
	return front->state != FRONT_DRAINING;
}

static void tell_ended(struct keeper *keeper, const struct slot *slot, unsigned n)
{
	list_for_each(at, next, &keeper->fronts) {
		struct front *front = container_of(at, struct front, link);
		struct channel_message message = { .type = CHANNEL_ENDED, .count = n };
		int64_t service;

		if (!front_counts(front))
			continue;
		service = generation_service(front->generation, slot);
		if (service < 0)
			continue;
		message.service = (uint32_t)service;
		front_send(front, &message, -1);
	}
}

void fronts_note_ended(struct keeper *keeper, struct slot *slot)
{
	if (slot->untold++ == 0)
		list_add_before(&keeper->untold, &slot->untold_link);
}

void fronts_tell_ended(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->untold) {
		struct slot *slot = container_of(at, struct slot, untold_link);

		list_unlink(&slot->untold_link);
		tell_ended(keeper, slot, slot->untold);
		slot->untold = 0;
	}
}

struct front *fronts_find(struct keeper *keeper, pid_t pid)
{
	list_for_each(at, next, &keeper->fronts) {
		struct front *front = container_of(at, struct front, link);

		if (front->pid == pid)
			return front;
	}
	return NULL;
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
		log_error(r, "a client was lost on its way from the front");
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
		(void)flush(front);
	if (watch->ready & WATCH_READ)
		take_messages(front);
	watch_again(front);
	forget_if_over(front);
}

void front_reaped(struct front *front, int status)
{
	front->ended = true;
	front->ended_status = status;
	forget_if_over(front);
}

void fronts_listen(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->fronts)
		watch_again(container_of(at, struct front, link));
}

void front_abandon(struct front *front)
{
	list_for_each(at, next, &front->outgoing) {
		struct outgoing *outgoing = container_of(at, struct outgoing, link);

		if (outgoing->fd >= 0)
			close(outgoing->fd);
	}
	close(front->channel);
}
