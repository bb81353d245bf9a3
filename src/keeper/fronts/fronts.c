#include "keeper/fronts/fronts.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/fronts/front.h"
#include "keeper/service/generation.h"
#include "keeper/service/pool-handle.h"
#include "keeper/service/service-record.h"

#define HOUR_MS (60 * 60 * 1000)

DEFINE_AUTO(struct front, front_free);

static struct front *front_at(struct list *link)
{
	return container_of(link, struct front, link);
}

static struct front *front_of(struct front_channel *channel)
{
	return container_of(channel, struct front, channel);
}

void fronts_init(struct fronts *fronts, struct poller *poller, struct reserve_fd *reserve,
		 const struct service_records *records, const struct fronts_events *events)
{
	*fronts = (struct fronts){
		.poller = poller,
		.reserve = reserve,
		.records = records,
		.events = events,
	};
	list_init(&fronts->list);
	list_init(&fronts->unreported);
}

void fronts_fini(struct fronts *fronts)
{
	fronts->current = NULL;
	list_for_each(at, next, &fronts->list)
		front_free(front_at(at));
}

/* What the channels say */

static int on_message(struct front_channel *channel, const struct channel_message *message, int fd)
{
	struct front *front = front_of(channel);

	return front->fronts->events->on_message(front, message, fd);
}

static void on_short(struct front_channel *channel, int error)
{
	struct fronts *fronts = front_of(channel)->fronts;

	fronts->events->on_short(fronts, error);
}

/* A front that sends a forbidden message was taken over. */
static void on_bad(struct front_channel *channel)
{
	struct front *front = front_of(channel);

	log_error(0, "the front (pid %ld) sent a forbidden message; ending it", (long)front->pid);
	front_kill(front);
}

/* Without the message its counts would stay wrong. A new front starts with the right ones. */
static void on_behind(struct front_channel *channel, int error, const char *why)
{
	struct front *front = front_of(channel);

	log_error(error, "%s (pid %ld); starting another", why, (long)front->pid);
	front_kill(front);
}

static const struct front_channel_events channel_events = {
	.on_message = on_message,
	.on_short = on_short,
	.on_bad = on_bad,
	.on_behind = on_behind,
};

/* Coming and going */

int fronts_prepare(struct fronts *fronts, struct generation *generation, struct front **out,
		   int *out_theirs)
{
	AUTO(auto_front_free) struct front *front = front_new(fronts, generation);
	int r;

	if (!front)
		return -ENOMEM;
	r = front_channel_open(&front->channel, fronts->poller, fronts->reserve, &channel_events,
			       out_theirs);
	if (r < 0)
		return r;
	front->channel.held = fronts->held;
	*out = take_ptr(front);
	return 0;
}

void fronts_add(struct fronts *fronts, struct front *front)
{
	front->channel.drained = false;
	list_add_before(&fronts->list, &front->link);
	log_debug("front %ld: started; services %zu, endpoints %zu", (long)front->pid,
		  front->generation->settings->n_services,
		  front->generation->settings->n_endpoints);
}

struct front *fronts_find(const struct fronts *fronts, pid_t pid)
{
	/* The process of another front may have the number of one that was reaped. */
	list_for_each(at, next, &fronts->list)
		if (front_at(at)->pid == pid && !front_at(at)->ended)
			return front_at(at);
	return NULL;
}

struct front *fronts_asking(const struct fronts *fronts)
{
	struct front *found = NULL;

	list_for_each(at, next, &fronts->list)
		if (front_asks(front_at(at)))
			found = front_at(at);
	return found;
}

/* Clients of dispatch `pass` are not lost with a front, because their programs still run. */
static unsigned live_sessions(const struct front *front)
{
	const struct service_record *record = front->fronts->records->by_name;
	unsigned n = 0;

	for (; record; record = record->hh.next)
		if (!record->pool || !record->pool->passes)
			n += atomic_load(&front->session_counts->sessions[record->number]);
	return n;
}

static void log_end(const struct front *front)
{
	unsigned lost = live_sessions(front);
	int status = front->ended_status;

	log_debug("front %ld: ended with status %d after %lld s; sessions left %u",
		  (long)front->pid, status, (long long)((clock_ms() - front->started_ms) / 1000),
		  lost);
	if (front->state == FRONT_DRAINING && status == 0)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error(0,
			  "the front (pid %ld) was killed, because it made a system call that it "
			  "must "
			  "not make; %u sessions were lost. Somebody may have taken it over, or "
			  "superd "
			  "has an error: the kernel's log has the number of the call, and "
			  "'front_seccomp = log' lets it go on",
			  (long)front->pid, lost);
	else if (WIFSIGNALED(status))
		log_error(0,
			  "the front (pid %ld) was killed by signal %d (%s); %u sessions were lost",
			  (long)front->pid, WTERMSIG(status), strsignal(WTERMSIG(status)), lost);
	else
		log_error(0, "the front (pid %ld) ended with status %d; %u sessions were lost",
			  (long)front->pid, WEXITSTATUS(status), lost);
}

static void forget(struct fronts *fronts, struct front *front)
{
	log_end(front);
	if (fronts->current == front)
		fronts->current = NULL;
	list_unlink(&front->link);
	/* Another front may be forked before this one is freed. */
	front_hang_up(front);
	fronts->events->on_gone(front);
	front_free(front);
}

void fronts_forget_ended(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list) {
		struct front *front = front_at(at);

		if (front->ended)
			front_channel_finish(&front->channel);
		if (front_is_over(front))
			forget(fronts, front);
	}
}

/* What they are told */

static void tell_ended(struct fronts *fronts, const struct service_record *record, unsigned n)
{
	list_for_each(at, next, &fronts->list) {
		struct front *front = front_at(at);
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

void fronts_note_ended(struct fronts *fronts, struct service_record *record)
{
	if (record->unreported++ == 0)
		list_add_before(&fronts->unreported, &record->unreported_link);
}

void fronts_tell_ended(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->unreported) {
		struct service_record *record =
			container_of(at, struct service_record, unreported_link);

		list_unlink(&record->unreported_link);
		tell_ended(fronts, record, record->unreported);
		record->unreported = 0;
	}
}

static void set_paused(struct fronts *fronts, bool paused)
{
	if (fronts->paused == paused)
		return;
	fronts->paused = paused;
	log_debug("fronts: told to send %s", paused ? "no requests" : "requests again");
	list_for_each(at, next, &fronts->list)
		if (front_counts(front_at(at)))
			front_order(front_at(at), paused ? CHANNEL_PAUSE : CHANNEL_CONTINUE);
}

void fronts_pause(struct fronts *fronts)
{
	set_paused(fronts, true);
}

void fronts_continue(struct fronts *fronts)
{
	set_paused(fronts, false);
}

void fronts_lend_log(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list)
		front_lend_log(front_at(at));
}

static void lend_listener(struct front *front, const struct bound_listener *bound)
{
	const struct generation *generation = front->generation;

	for (size_t i = 0; i < generation->n_bound; i++)
		if (generation->bound[i] == bound)
			front_lend_sockets(front, (uint32_t)i);
}

void fronts_lend_listener(struct fronts *fronts, const struct bound_listener *bound)
{
	list_for_each(at, next, &fronts->list)
		if (front_counts(front_at(at)))
			lend_listener(front_at(at), bound);
}

void fronts_hold(struct fronts *fronts, bool held)
{
	fronts->held = held;
	log_debug("fronts: %s", held ? "reading no messages, because enough requests wait"
				     : "reading messages again");
	list_for_each(at, next, &fronts->list) {
		front_at(at)->channel.held = held;
		front_channel_listen(&front_at(at)->channel);
	}
}

void fronts_listen(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list)
		front_channel_listen(&front_at(at)->channel);
}

size_t fronts_ping(struct fronts *fronts)
{
	size_t n = 0;

	list_for_each(at, next, &fronts->list) {
		front_ping(front_at(at));
		n += front_at(at)->ping_pending;
	}
	return n;
}

bool fronts_await_answer(const struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list)
		if (front_at(at)->ping_pending)
			return true;
	return false;
}

void fronts_end_silent(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list) {
		struct front *front = front_at(at);

		if (!front->ping_pending)
			continue;
		log_error(0, "the front (pid %ld) does not answer; ending it", (long)front->pid);
		front_alive(front);
		front_kill(front);
	}
}

static void log_draining(struct front *front)
{
	int64_t hours = (clock_ms() - front->drains_ms) / HOUR_MS;
	char sessions[TEXT_COUNT_MAX];

	if (front->state != FRONT_DRAINING || hours <= front->hours_said)
		return;
	front->hours_said = hours;
	log_info("an older front (pid %ld) has finished its clients for %lld h, %s left; to end "
		 "them, kill it with SIGKILL",
		 (long)front->pid, (long long)hours,
		 text_count(sessions, live_sessions(front), "session"));
}

void fronts_log_draining(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list)
		log_draining(front_at(at));
}

unsigned fronts_count_sessions(const struct fronts *fronts)
{
	unsigned n = 0;

	list_for_each(at, next, &fronts->list)
		n += live_sessions(front_at(at));
	return n;
}

void fronts_drain(struct fronts *fronts, uint32_t limit_ms)
{
	list_for_each(at, next, &fronts->list)
		front_drain(front_at(at), limit_ms);
}

void fronts_kill(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list)
		front_kill(front_at(at));
}

void fronts_abandon(struct fronts *fronts)
{
	list_for_each(at, next, &fronts->list)
		front_channel_abandon(&front_at(at)->channel);
}
