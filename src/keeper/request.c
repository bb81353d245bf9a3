/*
 * Requests: what a front asks the keeper to start, checked before it is believed,
 * and kept when the machine is short of processes or descriptors. A request that
 * waits keeps its client; the front is told to send no more until it was served.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "keeper/crew.h"
#include "keeper/front-process.h"
#include "keeper/request.h"
#include "keeper/start.h"
#include "keeper/state.h"

/* More than a channel holds: reached only when the order to hold is slow to arrive. */
#define STALLED_MAX 1024
#define STALL_FIRST_MS 50
#define STALL_MAX_MS 500

/* The largest datagram there is, with room to spare. */
#define DATAGRAM_MAX 65536

static bool has_socket_option(int fd, int option, int wanted)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* A connection of this endpoint: its type, not a listener, its port. */
static bool is_connection(struct request *request)
{
	const struct endpoint *endpoint =
		settings_endpoint(request->generation->settings, request->endpoint);

	request->local.length = sizeof(request->local.un);
	if (!has_socket_option(request->fd, SO_TYPE, endpoint->type) ||
	    !has_socket_option(request->fd, SO_ACCEPTCONN, 0) ||
	    getsockname(request->fd, &request->local.any, &request->local.length) < 0)
		return false;
	if (request->local.any.sa_family != endpoint->address.any.sa_family)
		return false;
	if (address_is_unix(&request->local)) {
		/* The kernel's name is an old one where a stale file was replaced. */
		request->local = endpoint->address;
		return true;
	}

	if (address_port(&request->local) != request->generation->housed[request->endpoint]->port)
		return false;
	address_unmap(&request->local);
	return true;
}

/* Sealed, so that what the program reads is what was received. */
static bool is_datagram(const struct request *request)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;

	return fstat(request->fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_size <= DATAGRAM_MAX && fcntl(request->fd, F_GET_SEALS) >= 0 &&
	       (fcntl(request->fd, F_GET_SEALS) & seals) == seals;
}

/* A front that was taken over must gain nothing by lying here. */
static bool is_allowed(struct request *request)
{
	const struct settings *settings = request->generation->settings;
	const struct service *service;
	int type;

	if (request->endpoint >= settings->n_endpoints)
		return false;
	service = settings_service_of(settings, request->endpoint);
	if (service->index != request->service)
		return false;

	type = settings_endpoint(settings, request->endpoint)->type;
	switch (request->type) {
	case CHANNEL_SPAWN:
		return service->dispatch == DISPATCH_SPAWN && type != SOCK_DGRAM &&
		       is_connection(request);
	case CHANNEL_DATAGRAM:
		return service->dispatch == DISPATCH_SPAWN && type == SOCK_DGRAM &&
		       is_datagram(request);
	case CHANNEL_WAIT:
		return service->dispatch == DISPATCH_WAIT &&
		       request->generation->listeners[request->endpoint]->fd >= 0;
	default:
		return false;
	}
}

/* The front accepts for a program without O_NONBLOCK; a program relies on it. */
static void make_blocking(const struct request *request)
{
	if (request->type == CHANNEL_SPAWN)
		(void)fd_set_blocking(request->fd, true);
}

void request_free(struct request *request)
{
	if (!request)
		return;
	if (request->fd >= 0)
		close(request->fd);
	list_unlink(&request->link);
	generation_unref(request->generation);
	free(request);
}

static void tell_holding(struct keeper *keeper, bool hold)
{
	if (keeper->holding == hold)
		return;
	keeper->holding = hold;
	list_for_each(at, next, &keeper->fronts) {
		struct front *front = container_of(at, struct front, link);

		if (front_counts(front))
			front_order(front, hold ? CHANNEL_HOLD : CHANNEL_GO, 0);
	}
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
	tell_holding(keeper, true);
	wait_a_moment(keeper);
}

static void end_stall(struct keeper *keeper)
{
	if (keeper->stall_pause_ms)
		log_info("programs can be started again");
	keeper->stall_pause_ms = 0;
	timer_cancel(&keeper->stall);
	tell_holding(keeper, false);
}

/* Oldest first, until one must wait again. */
static bool serve_stalled(struct keeper *keeper)
{
	list_for_each(at, next, &keeper->stalled) {
		struct request *request = container_of(at, struct request, link);

		if (request_start(keeper, request) < 0)
			return false;
		keeper->n_stalled--;
		request_free(request);
	}
	return true;
}

static void on_stall_over(struct timer *timer)
{
	struct keeper *keeper = container_of(timer, struct keeper, stall);

	bool served = serve_stalled(keeper);

	request_restore_spare(keeper);
	if (!served || keeper->spare < 0) {
		wait_a_moment(keeper);
		return;
	}
	end_stall(keeper);
	fronts_listen(keeper);
	keeper_sweep(keeper);
}

/* Takes over @request. */
static void start_or_stall(struct keeper *keeper, struct request *request)
{
	int r = -EAGAIN;

	if (!list_is_linked(&keeper->stalled))
		r = request_start(keeper, request);
	if (r == 0) {
		request_free(request);
		return;
	}

	list_add_before(&keeper->stalled, &request->link);
	keeper->kept++;
	keeper->n_stalled++;
	if (keeper->n_stalled == 1)
		begin_stall(keeper, r);
}

int request_handle(struct keeper *keeper, struct front *front,
		   const struct channel_message *message, int fd)
{
	struct request *request = NULL;

	if (message->type == CHANNEL_GROW || message->type == CHANNEL_DISMISS)
		return crews_handle(keeper, front, message);
	/* A front that drains after a reload has nothing to ask for. */
	if (front->generation)
		request = calloc(1, sizeof(*request));
	if (!request) {
		if (fd >= 0)
			close(fd);
		if (!front->generation)
			return -EBADMSG;
		log_error(-ENOMEM, "a client is lost");
		return 0;
	}
	*request = (struct request){
		.generation = generation_ref(front->generation),
		.type = message->type,
		.service = message->service,
		.endpoint = message->endpoint,
		.peer = message->peer,
		.local = message->local,
		.fd = fd,
	};
	list_init(&request->link);

	if (!is_allowed(request)) {
		request_free(request);
		return -EBADMSG;
	}
	make_blocking(request);
	address_unmap(&request->peer);
	request->generation->slots[request->service]->live++;
	start_or_stall(keeper, request);
	return 0;
}

/* A limit that was lowered since takes the number away, and what is held there does not show it. */
static bool is_within_limit(int number)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 || (rlim_t)number < limit.rlim_cur;
}

bool request_release_spare(struct keeper *keeper)
{
	bool usable = keeper->spare >= 0 && is_within_limit(keeper->spare);

	if (keeper->spare >= 0)
		close(keeper->spare);
	keeper->spare = -1;
	return usable;
}

void request_stall(struct keeper *keeper, int error)
{
	if (!keeper->stall_pause_ms)
		begin_stall(keeper, error);
}

/* A copy of whatever is open serves: only its number matters. */
void request_restore_spare(struct keeper *keeper)
{
	if (keeper->spare >= 0)
		return;
	if (keeper->n_stalled < STALLED_MAX)
		keeper->spare = fd_duplicate(keeper->signal_fd);
	if (keeper->spare < 0)
		request_stall(keeper, -EMFILE);
}
