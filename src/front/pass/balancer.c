/* A pool of dispatch `pass`: which process gets a client, and which one is not needed any more. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "front/core/client-log.h"
#include "front/core/throttle.h"
#include "front/pass/balancer.h"
#include "front/pass/pass.h"
#include "front/state.h"

#define RETRY_MS 5
#define CLOSED_MS 1000 /* what has closed its socket is about to end, mostly */

struct balancer *balancer_new(struct front_service *service, struct pass_table *table)
{
	struct balancer *pool;

	pool = calloc(1,
		      sizeof(*pool) + service->settings->n_endpoints * sizeof(pool->endpoints[0]));
	if (!pool)
		return NULL;

	pool->service = service;
	pool->table = table;
	pool->kept.fd = -1;
	list_init(&pool->processes);
	pool->by_index = calloc(table->n_processes, sizeof(struct pass_process *));
	if (!pool->by_index || load_ranks_init(&pool->load_ranks, table->n_clients) < 0) {
		balancer_free(pool);
		return NULL;
	}
	return pool;
}

void balancer_lose_kept(struct balancer *pool)
{
	const struct front_service *service = pool->service;

	if (pool->kept.fd < 0)
		return;
	close(take_fd(pool->kept.fd));
	balancer_count(pool, -1);
	atomic_fetch_add_explicit(&service->stats->failed, 1, memory_order_relaxed);
	log_lost(service->settings, &pool->kept.peer, 0, "no program took it");
}

void balancer_free(struct balancer *pool)
{
	if (!pool)
		return;

	balancer_lose_kept(pool);
	timer_cancel(&pool->retry);
	timer_cancel(&pool->surplus);
	list_unlink(&pool->unreported_link);
	list_for_each(at, following, &pool->processes)
		pass_process_free(container_of(at, struct pass_process, link));
	free(pool->by_index);
	load_ranks_fini(&pool->load_ranks);
	free(pool);
}

void balancer_count(const struct balancer *pool, int change)
{
	const struct startup *startup = pool->service->context->startup;
	unsigned stats_index = startup->stats_indices[pool->service->settings->index];

	atomic_fetch_add_explicit(&startup->session_counts->sessions[stats_index], (uint32_t)change,
				  memory_order_relaxed);
}

void balancer_forget(struct pass_process *process)
{
	struct balancer *pool = process->pool;

	pool->by_index[process->process_index] = NULL;
	if (!process->leaving)
		pool->n_staying--;
	pass_process_free(process);
}

int balancer_add(struct balancer *pool, unsigned process_index, pid_t pid, int fd)
{
	struct pass_process *process;
	int r;

	if (process_index >= pool->table->n_processes || pool->by_index[process_index]) {
		if (fd >= 0)
			close(fd);
		return -EBADMSG;
	}
	process = pass_process_new(pool, process_index, pid, fd);
	if (!process)
		return -ENOMEM;
	pool->by_index[process_index] = process;
	list_add_before(&pool->processes, &process->link);
	pool->n_staying++;
	process->closed = fd < 0;
	if (pool->service->context->mode != MODE_SERVING || process->closed)
		return 0;
	r = pass_process_engage(process);
	if (r < 0)
		balancer_forget(process);
	return r;
}

/* Without a process: it ended while no front was there to see it. */
void balancer_end_orphans(struct balancer *pool, unsigned process_index)
{
	const struct front_service *service = pool->service;

	for (unsigned i = 0; i < pool->table->n_clients; i++) {
		struct pass_table_entry *entry = pass_table_entry(pool->table, process_index, i);

		if (!atomic_load_explicit(&entry->taken, memory_order_relaxed))
			continue;
		atomic_store_explicit(&entry->taken, false, memory_order_relaxed);
		atomic_fetch_add_explicit(&service->stats->ended, 1, memory_order_relaxed);
		log_pass_ended(service->settings, &entry->peer, 0, clock_us() - entry->started_us,
			       NULL);
	}
}

static bool takes_clients(const struct pass_process *process)
{
	return process->engaged && !process->leaving && !process->closed &&
	       !(process->watch.wanted & WATCH_WRITE);
}

void balancer_rank(struct pass_process *process)
{
	if (takes_clients(process))
		load_ranks_put(&process->pool->load_ranks, &process->rank,
			       pass_process_clients(process));
	else
		list_unlink(&process->rank);
}

void balancer_leave(struct pass_process *process)
{
	if (process->leaving)
		return;
	process->leaving = true;
	process->pool->n_staying--;
	list_unlink(&process->rank);
}

static void offer_again(struct timer *timer)
{
	balancer_relieve(container_of(timer, struct balancer, retry));
}

void balancer_offer(struct balancer *pool, const struct pass_client *client)
{
	struct list *least;

	while ((least = load_ranks_least(&pool->load_ranks))) {
		int r = pass_process_give(container_of(least, struct pass_process, rank), client);

		if (r == 0) {
			close(client->fd);
			pool->kept.fd = -1;
			return;
		}
		if (r != -EAGAIN && r != -EPIPE) {
			/* Memory is short, or too many descriptors are on the way. */
			(void)timer_set(&pool->retry, pool->service->context->timers,
					clock_ms() + RETRY_MS, offer_again);
			break;
		}
	}
	pool->kept = *client;
}

void balancer_relieve(struct balancer *pool)
{
	if (pool->service->context->mode != MODE_SERVING)
		return;
	if (pool->kept.fd >= 0 && load_ranks_least(&pool->load_ranks)) {
		struct pass_client client = pool->kept;

		balancer_offer(pool, &client);
	}
	if (pass_has_room(pool->service) || pool->may_grow)
		throttle_release_service(pool->service);
}

void balancer_dismiss(struct pass_process *process)
{
	struct balancer *pool = process->pool;

	balancer_leave(process);
	if (!process->dismissed)
		pool->service->front->n_processes--;
	process->dismissed = true;
	process->unreported = true;
	if (!list_is_linked(&pool->unreported_link))
		list_add_before(&pool->service->front->unreported, &pool->unreported_link);
	pass_flush(pool->service->front);
}

static void dismiss_closed(struct balancer *pool)
{
	list_for_each(at, following, &pool->processes) {
		struct pass_process *process = container_of(at, struct pass_process, link);

		if (!process->closed || process->dismissed ||
		    (process->engaged && pass_process_clients(process) > 0))
			continue;
		log_service(LOG_WARNING, pool->service->settings->name, 0,
			    "its program (pid %ld) has no socket; ending it", (long)process->pid);
		balancer_dismiss(process);
	}
}

static void end_surplus(struct timer *timer)
{
	struct balancer *pool = container_of(timer, struct balancer, surplus);
	const struct pool_settings *settings = &pool->service->settings->pool;
	struct list *idlest;

	if (pool->service->context->mode != MODE_SERVING)
		return;
	dismiss_closed(pool);
	while (pool->n_staying > settings->min && (idlest = load_ranks_idlest(&pool->load_ranks))) {
		struct pass_process *process = container_of(idlest, struct pass_process, rank);

		if (process->idle_since_ms + settings->idle_exit_ms > clock_ms())
			break;
		balancer_dismiss(process);
	}
	balancer_watch_surplus(pool);
}

void balancer_watch_surplus(struct balancer *pool)
{
	const struct pool_settings *settings = &pool->service->settings->pool;
	const struct list *idlest;

	if (timer_is_set(&pool->surplus) || pool->n_staying <= settings->min)
		return;
	idlest = load_ranks_idlest(&pool->load_ranks);
	if (idlest)
		(void)timer_set(&pool->surplus, pool->service->context->timers,
				container_of(idlest, struct pass_process, rank)->idle_since_ms +
					settings->idle_exit_ms,
				end_surplus);
}

/* Nobody can be sent to it any more, but it may well be about to end. */
void balancer_watch_closed(struct pass_process *process)
{
	struct balancer *pool = process->pool;
	int64_t at_ms = clock_ms() + CLOSED_MS;

	if (!timer_is_set(&pool->surplus) || pool->surplus.at_ms > at_ms)
		(void)timer_set(&pool->surplus, pool->service->context->timers, at_ms, end_surplus);
}

void balancer_settle(struct pass_process *process)
{
	struct balancer *pool = process->pool;
	struct front *front = pool->service->front;
	bool idle = pass_process_clients(process) == 0;

	if (idle)
		process->idle_since_ms = clock_ms();
	if (process->closed && !process->leaving)
		balancer_watch_closed(process);
	balancer_rank(process);
	if (idle && process->leaving && front->context.mode >= MODE_DRAINING && !process->dismissed)
		balancer_dismiss(process);
	else if (idle)
		balancer_watch_surplus(pool);
	balancer_relieve(pool);
}
