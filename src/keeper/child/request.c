/*
 * Requests: what a front asks the keeper to start, kept when the machine is short of processes
 * or descriptors. A request that waits keeps its client; the front is told to send no more until
 * it was served.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/stats.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/child/child-log.h"
#include "keeper/fronts/front.h"
#include "keeper/child/request.h"
#include "keeper/exec/spawn.h"
#include "keeper/child/start.h"
#include "keeper/state.h"

/* More than a channel holds: reached only when the order to hold is slow to arrive. */
#define STALLED_MAX 1024
#define STALL_FIRST_MS 50
#define STALL_MAX_MS 500

/*
 * The front accepts for a program without O_NONBLOCK; a program relies on it. Who the client is
 * the kernel knows better, unless the client has gone. And nobody but the program makes our
 * close() wait.
 */
static void make_ready(struct request *request)
{
	const struct linger none = { 0 };
	struct address peer = { .length = sizeof(peer.un) };

	if (request->type != CHANNEL_SPAWN)
		return;
	(void)fd_set_blocking(request->fd, true);
	(void)setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	if (!address_is_unix(&request->local) &&
	    getpeername(request->fd, &peer.any, &peer.length) == 0)
		request->peer = peer;
}

static void finish(const struct request *request)
{
	if (request->fd >= 0)
		close(request->fd);
	generation_unref(request->generation);
}

static void forget_stalled(struct keeper *keeper, struct request *request)
{
	keeper->n_stalled--;
	keeper->reserve.withheld = keeper->n_stalled >= STALLED_MAX;
	list_unlink(&request->link);
	finish(request);
	free(request);
}

static void on_stall_over(struct timer *timer);

static void wait_a_moment(struct keeper *keeper)
{
	keeper->stall_pause_ms = keeper->stall_pause_ms ? keeper->stall_pause_ms * 2
							: STALL_FIRST_MS;
	if (keeper->stall_pause_ms > STALL_MAX_MS)
		keeper->stall_pause_ms = STALL_MAX_MS;
	(void)timer_set(&keeper->stall, keeper->timers, clock_ms() + keeper->stall_pause_ms,
			on_stall_over);
}

static void begin_stall(struct keeper *keeper, int error)
{
	if (!keeper->stall_pause_ms)
		log_warning(error, "programs cannot be started for now; their clients wait");
	fronts_pause(&keeper->fronts);
	wait_a_moment(keeper);
}

static void end_stall(struct keeper *keeper)
{
	if (keeper->stall_pause_ms)
		log_info("programs can be started again");
	keeper->stall_pause_ms = 0;
	timer_cancel(&keeper->stall);
	fronts_continue(&keeper->fronts);
}

/* Oldest first, until one must wait again. */
static bool serve_stalled(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->stalled) {
		struct request *request = container_of(at, struct request, link);

		if (request_start(keeper, request) < 0)
			return false;
		forget_stalled(keeper, request);
	}
	return true;
}

void requests_give_up(struct keeper *keeper)
{
	const struct spawn_failure failure = { SPAWN_PROCESS, EAGAIN };

	list_for_each(at, next, &keeper->stalled) {
		struct request *request = container_of(at, struct request, link);

		request_give_up(keeper, request, &failure);
		forget_stalled(keeper, request);
	}
}

static void on_stall_over(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, stall);
	bool served = serve_stalled(keeper);

	if (!reserve_fd_restore(&keeper->reserve) || !served) {
		wait_a_moment(keeper);
		return;
	}
	end_stall(keeper);
	fronts_listen(&keeper->fronts);
	keeper_sweep(keeper);
}

/* Takes over what @request holds. */
static void stall(struct keeper *keeper, const struct request *request, int error)
{
	struct request *kept = malloc(sizeof(*kept));

	if (!kept) {
		const struct spawn_failure failure = { SPAWN_PROCESS, ENOMEM };

		request_give_up(keeper, request, &failure);
		finish(request);
		return;
	}
	*kept = *request;
	list_init(&kept->link);
	list_add_before(&keeper->stalled, &kept->link);
	reserve_fd_retain(&keeper->reserve);
	keeper->n_stalled++;
	keeper->reserve.withheld = keeper->n_stalled >= STALLED_MAX;
	if (keeper->n_stalled == 1)
		begin_stall(keeper, error);
}

/* Takes over what @request holds. */
static void start_or_stall(struct keeper *keeper, struct request *request)
{
	int r = -EAGAIN;

	if (!list_is_linked(&keeper->stalled))
		r = request_start(keeper, request);
	if (r == 0)
		finish(request);
	else
		stall(keeper, request, r);
}

static int reject(struct request *request)
{
	if (request->fd >= 0)
		fd_discard(take_fd(request->fd));
	finish(request);
	return -EBADMSG;
}

int request_handle(struct keeper *keeper, struct front *front,
		   const struct channel_message *message, int fd)
{
	struct request request = {
		.type = message->type,
		.service = message->request.service,
		.endpoint = message->request.endpoint,
		.peer = message->request.peer,
		.local = message->request.local,
		.fd = fd,
	};

	/* A front that drains after a reload has nothing to ask for. */
	if (!front->generation)
		return reject(&request);
	request.generation = generation_ref(front->generation);
	if (!request_is_allowed(&request))
		return reject(&request);

	make_ready(&request);
	address_unmap(&request.peer);
	request.generation->records[request.service]->live++;
	start_or_stall(keeper, &request);
	return 0;
}

void request_lose(struct keeper *keeper, const struct front *front,
		  const struct channel_message *message)
{
	const struct spawn_failure failure = { SPAWN_DESCRIPTORS, EMFILE };
	const struct generation *generation = front->generation;
	struct service_record *record;

	if (!generation || message->request.service >= generation->n_records)
		return;
	record = generation->records[message->request.service];
	if (!generation->programs[message->request.service])
		return;
	atomic_fetch_add(&keeper->stats[record->number].failed, 1);
	log_not_started(keeper, record, &generation->settings->services[message->request.service],
			&message->request.peer, &failure);
	fronts_note_ended(&keeper->fronts, record);
}

void request_stall(struct keeper *keeper, int error)
{
	if (!keeper->stall_pause_ms)
		begin_stall(keeper, error);
}

void request_restore_reserve(struct keeper *keeper)
{
	if (!reserve_fd_restore(&keeper->reserve))
		request_stall(keeper, -EMFILE);
}
