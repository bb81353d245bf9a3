#include "keeper/fronts/front.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/service/generation.h"
#include "keeper/service/pool-handle.h"

DEFINE_AUTO(struct front, front_free);

struct front *front_new(struct fronts *fronts, struct generation *generation)
{
	AUTO(auto_front_free) struct front *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	list_init(&front->link);
	front_channel_init(&front->channel);
	front->fronts = fronts;
	front->generation = generation_ref(generation);
	front->started_ms = clock_ms();
	front->session_counts = session_counts_new();
	return front->session_counts ? take_ptr(front) : NULL;
}

void front_hang_up(struct front *front)
{
	front_channel_close(&front->channel);
}

void front_free(struct front *front)
{
	if (!front)
		return;

	front_hang_up(front);
	list_unlink(&front->link);
	generation_unref(front->generation);
	for (size_t i = 0; i < front->n_pools; i++)
		pool_handle_unref(front->pools[i]);
	free(front->pools);
	/* Newer fronts read the same counts, and must not count sessions that were lost. */
	if (front->session_counts)
		memset(front->session_counts, 0, sizeof(*front->session_counts));
	session_counts_free(front->session_counts);
	free(front);
}

void front_serves(struct front *front)
{
	if (front->state != FRONT_STARTING)
		return;
	log_debug("front %ld: serves, %lld ms after its start", (long)front->pid,
		  (long long)(clock_ms() - front->started_ms));
	front->state = FRONT_SERVING;
}

void front_halt(struct front *front)
{
	log_debug("front %ld: told to take no more clients", (long)front->pid);
	front->state = FRONT_HALTING;
	front_order(front, CHANNEL_HALT);
}

void front_halted(struct front *front)
{
	if (front->state == FRONT_HALTING)
		front->state = FRONT_HALTED;
}

void front_resume(struct front *front)
{
	if (front->state != FRONT_HALTING && front->state != FRONT_HALTED)
		return;
	log_debug("front %ld: told to take clients again", (long)front->pid);
	front->state = FRONT_SERVING;
	front_order(front, CHANNEL_RESUME);
}

void front_drain(struct front *front, uint32_t limit_ms)
{
	const struct channel_message message = {
		.type = CHANNEL_DRAIN,
		.drain.limit_ms = limit_ms,
		.drain.has_successor = front->state == FRONT_HALTING ||
				       front->state == FRONT_HALTED,
	};

	if (front->state != FRONT_DRAINING) {
		front->drains_ms = clock_ms();
		log_debug("front %ld: told to finish its clients%s", (long)front->pid,
			  limit_ms > 0 ? ", within the time of 'grace'" : "");
	}
	front->state = FRONT_DRAINING;
	front_send(front, &message, -1);
}

void front_ping(struct front *front)
{
	if (front->state != FRONT_SERVING && front->state != FRONT_DRAINING)
		return;
	front->ping_pending = true;
	front_order(front, CHANNEL_PING);
}

void front_alive(struct front *front)
{
	front->ping_pending = false;
}

static void keep_pools(struct front *front)
{
	const struct generation *generation = front->generation;

	front->pools = calloc(generation->n_records + 1, sizeof(*front->pools));
	if (!front->pools)
		return;
	front->n_pools = generation->n_records;
	for (size_t i = 0; i < front->n_pools; i++)
		front->pools[i] = pool_handle_ref(generation->pools[i]);
}

void front_retire(struct front *front)
{
	keep_pools(front);
	generation_unref(take_ptr(front->generation));
}

void front_reaped(struct front *front, int status)
{
	front->ended = true;
	front->ended_status = status;
}

void front_kill(struct front *front)
{
	if (front->pid > 0 && !front->ended)
		kill(front->pid, SIGKILL);
}

bool front_counts(const struct front *front)
{
	return front->state != FRONT_DRAINING;
}

bool front_asks(const struct front *front)
{
	return front->state == FRONT_STARTING || front->state == FRONT_SERVING;
}

bool front_is_over(const struct front *front)
{
	return front->ended && front->channel.eof;
}

void front_send(struct front *front, const struct channel_message *message, int fd)
{
	front_channel_send(&front->channel, message, fd);
}

void front_order(struct front *front, enum channel_type type)
{
	front_send(front, &(struct channel_message){ .type = type }, -1);
}

void front_lend(struct front *front, const struct channel_message *message, int fd)
{
	front_channel_lend(&front->channel, message, fd);
}

void front_lend_log(struct front *front)
{
	struct channel_message message = { .type = CHANNEL_LOG };
	enum log_target target;
	int fd = log_descriptor(&target);

	message.log.target = target;
	if (fd >= 0)
		front_lend(front, &message, fd);
}

static void lend_socket(struct front *front, uint32_t endpoint, uint32_t number)
{
	const struct settings *settings = front->generation->settings;
	int fd = listener_socket(front->generation->listeners[endpoint], number);
	const struct channel_message message = {
		.type = CHANNEL_LISTENER,
		.listener.service = (uint32_t)settings_service_of(settings, endpoint)->index,
		.listener.endpoint = endpoint,
		.listener.socket = number,
	};

	front_lend(front, &message, fd);
}

void front_lend_sockets(struct front *front, uint32_t endpoint)
{
	size_t n = listener_n_sockets(front->generation->listeners[endpoint]);

	for (size_t i = 0; i < n; i++)
		lend_socket(front, endpoint, (uint32_t)i);
}
