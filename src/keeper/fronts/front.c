#include "keeper/fronts/front.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "channel/stats.h"
#include "keeper/pool/pool.h"
#include "keeper/fronts/channel.h"
#include "keeper/state.h"

static void hang_up(struct front *front)
{
	front_drop_outgoing(front);
	watch_remove(&front->watch);
	if (front->channel >= 0)
		close(take_fd(front->channel));
}

void front_free(struct front *front)
{
	if (!front)
		return;

	hang_up(front);
	list_unlink(&front->link);
	generation_unref(front->generation);
	for (size_t i = 0; i < front->n_pools; i++)
		pool_unref(front->pools[i]);
	free(front->pools);
	/* Newer fronts see the same memory, and must not count sessions that are no more. */
	if (front->session_counts)
		memset(front->session_counts, 0, sizeof(*front->session_counts));
	session_counts_free(front->session_counts);
	free(front);
}

/* Clients that were passed on are still with their programs. */
static unsigned live_sessions(const struct front *front)
{
	unsigned n = 0;

	for (const struct service_record *record = front->keeper->records.by_name; record;
	     record = record->hh.next)
		if (!record->pool || !record->pool->passes)
			n += atomic_load(&front->session_counts->sessions[record->number]);
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
	/* Another front may be born before this one is freed. */
	hang_up(front);
	keeper_front_gone(keeper, front);
	front_free(front);
}

void front_forget_if_over(struct front *front)
{
	if (front->ended && front->silent)
		forget(front);
}

void front_drain(struct front *front, uint32_t limit_ms)
{
	const struct channel_message message = {
		.type = CHANNEL_DRAIN,
		.drain.limit_ms = limit_ms,
		.drain.has_successor = front->state == FRONT_HALTING ||
				       front->state == FRONT_HALTED,
	};

	front->state = FRONT_DRAINING;
	front_send(front, &message, -1);
}

static void keep_pools(struct front *front)
{
	const struct generation *generation = front->generation;

	front->pools = calloc(generation->n_records + 1, sizeof(*front->pools));
	if (!front->pools)
		return;
	front->n_pools = generation->n_records;
	for (size_t i = 0; i < front->n_pools; i++)
		front->pools[i] = pool_ref(generation->pools[i]);
}

void front_retire(struct front *front)
{
	keep_pools(front);
	generation_unref(take_ptr(front->generation));
}

bool front_counts(const struct front *front)
{
	return front->state != FRONT_DRAINING;
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

void front_reaped(struct front *front, int status)
{
	front->ended = true;
	front->ended_status = status;
	front_forget_if_over(front);
}

void front_abandon(struct front *front)
{
	front_abandon_outgoing(front);
	close(front->channel);
}
