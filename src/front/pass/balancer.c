#include "front/pass/balancer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "front/core/client-log.h"
#include "front/core/service.h"

#define RETRY_MS 5
#define CLOSED_MS 1000 /* a process that has closed its socket usually ends within this time */

static void look_for_idle(struct timer *timer);

static const char *name_of(const struct balancer *balancer)
{
	return balancer->common.service->settings->name;
}

static enum mode mode_of(const struct balancer *balancer)
{
	return balancer->common.service->context->mode;
}

static int set_timer(struct balancer *balancer, struct timer *timer, int64_t at_ms, timer_fn *fn)
{
	return timer_set(timer, balancer->common.service->context->timers, at_ms, fn);
}

static struct balancer *balancer_of(const struct pass_process *process)
{
	return container_of(process->common, struct balancer, common);
}

/* Calls @fn for every process. @fn may free it. */
static void each_process(struct balancer *balancer, void (*fn)(struct pass_process *process))
{
	list_for_each(at, following, &balancer->processes)
		fn(container_of(at, struct pass_process, link));
}

void balancer_grow(struct balancer *balancer)
{
	if (!balancer->may_grow)
		return;
	service_debug(balancer->common.service->settings,
		      "every process has all the clients that it may have; asks for one more");
	balancer->may_grow = false;
	if (!list_is_linked(&balancer->growing_link))
		list_add_before(&balancer->group->growing, &balancer->growing_link);
}

/* Asks the keeper to end the process. */
static void dismiss(struct pass_process *process)
{
	struct balancer_group *group = balancer_of(process)->group;

	if (process->dismissed)
		return;
	balancer_leave(process);
	process->dismissed = true;
	group->n_processes--;
	list_add_before(&group->dismissed, &process->dismissed_link);
}

static void lose_waiting_client(struct balancer *balancer)
{
	const struct front_service *service = balancer->common.service;

	if (balancer->waiting_client.fd < 0)
		return;
	close(take_fd(balancer->waiting_client.fd));
	service_count_sessions(service, -1);
	atomic_fetch_add_explicit(&service->stats->failed, 1, memory_order_relaxed);
	log_lost(service->settings, &balancer->waiting_client.peer, 0, "no program took it");
}

static void try_again(struct timer *timer)
{
	balancer_update(container_of(timer, struct balancer, retry));
}

/* Updates the rank of the process, which has one only while it may get clients. */
static void update_load(struct pass_process *process)
{
	if (!process->leaving && pass_process_is_writable(process))
		load_ranks_put(&balancer_of(process)->ranks, &process->load_link,
			       pass_process_clients(process));
	else
		list_unlink(&process->load_link);
}

/* Offers the client to one process after another. Returns whether one has taken it. */
static bool offer(struct balancer *balancer, const struct pass_client *client)
{
	struct list *least;

	while ((least = load_ranks_least(&balancer->ranks))) {
		struct pass_process *process = container_of(least, struct pass_process, load_link);
		int r = pass_process_send(process, client);

		if (r == 0) {
			update_load(process);
			return true;
		}
		if (r != -EAGAIN && r != -EPIPE) {
			/* Memory is short, or too many descriptors are on the way. */
			(void)set_timer(balancer, &balancer->retry, clock_ms() + RETRY_MS,
					try_again);
			return false;
		}
		list_unlink(&process->load_link);
	}
	return false;
}

static void serve_waiting_client(struct balancer *balancer)
{
	if (balancer->waiting_client.fd >= 0 && offer(balancer, &balancer->waiting_client))
		close(take_fd(balancer->waiting_client.fd));
}

void balancer_give(struct balancer *balancer, const struct pass_client *client)
{
	assert(balancer->waiting_client.fd < 0);
	service_count_sessions(balancer->common.service, 1);
	balancer->waiting_client = *client;
	serve_waiting_client(balancer);
}

bool balancer_has_room(struct balancer *balancer)
{
	return balancer->waiting_client.fd < 0 && load_ranks_least(&balancer->ranks);
}

static void watch_idle(struct balancer *balancer)
{
	const struct pool_settings *settings = &balancer->common.service->settings->pool;
	const struct list *idlest;

	if (timer_is_set(&balancer->idle) || balancer->n_staying <= settings->min)
		return;
	idlest = load_ranks_idlest(&balancer->ranks);
	if (idlest)
		(void)set_timer(
			balancer, &balancer->idle,
			container_of(idlest, struct pass_process, load_link)->idle_since_ms +
				settings->idle_exit_ms,
			look_for_idle);
}

/* No client can be sent to a closed process. It is dismissed if it does not end by itself soon. */
static void watch_closed(struct balancer *balancer)
{
	int64_t at_ms = clock_ms() + CLOSED_MS;

	if (!timer_is_set(&balancer->idle) || balancer->idle.at_ms > at_ms)
		(void)set_timer(balancer, &balancer->idle, at_ms, look_for_idle);
}

void balancer_update(struct balancer *balancer)
{
	if (mode_of(balancer) != MODE_SERVING)
		return;
	serve_waiting_client(balancer);
	watch_idle(balancer);
	if (balancer_has_room(balancer) || balancer->may_grow)
		balancer->group->on_room(balancer);
}

static bool has_clients(const struct pass_process *process)
{
	return process->active && pass_process_clients(process) > 0;
}

static void dismiss_closed(struct pass_process *process)
{
	if (!pass_process_is_closed(process) || process->dismissed || has_clients(process))
		return;
	log_service(LOG_WARNING, name_of(balancer_of(process)), 0,
		    "its program (pid %ld) has no socket; ending it", (long)process->pid);
	dismiss(process);
}

static void look_for_idle(struct timer *timer)
{
	struct balancer *balancer = container_of(timer, struct balancer, idle);
	const struct pool_settings *settings = &balancer->common.service->settings->pool;
	struct list *idlest;

	if (mode_of(balancer) != MODE_SERVING)
		return;
	each_process(balancer, dismiss_closed);
	while (balancer->n_staying > settings->min &&
	       (idlest = load_ranks_idlest(&balancer->ranks))) {
		struct pass_process *process = container_of(idlest, struct pass_process, load_link);

		if (process->idle_since_ms + settings->idle_exit_ms > clock_ms())
			break;
		dismiss(process);
	}
	watch_idle(balancer);
}

static void remove_process(struct pass_process *process)
{
	struct balancer *balancer = balancer_of(process);

	if (!process->leaving)
		balancer->n_staying--;
	if (!process->dismissed)
		balancer->group->n_processes--;
	balancer->by_index[process->index] = NULL;
	list_unlink(&process->link);
	list_unlink(&process->load_link);
	list_unlink(&process->dismissed_link);
	pass_process_free(process);
}

static void on_change(struct pass_process *process)
{
	struct balancer *balancer = balancer_of(process);
	bool idle = pass_process_clients(process) == 0;

	if (idle)
		process->idle_since_ms = clock_ms();
	if (pass_process_is_closed(process) && !process->leaving)
		watch_closed(balancer);
	update_load(process);
	if (idle && process->leaving && mode_of(balancer) == MODE_DRAINING)
		dismiss(process);
	balancer_update(balancer);
}

static int activate(struct pass_process *process)
{
	int r;

	if (pass_process_is_closed(process)) {
		if (!process->dismissed)
			watch_closed(balancer_of(process));
		return 0;
	}
	r = pass_process_activate(process);
	update_load(process);
	return r;
}

struct balancer *balancer_new(struct balancer_group *group, struct front_service *service,
			      struct pass_table *table)
{
	struct balancer *balancer = calloc(1, sizeof(*balancer));

	if (!balancer)
		return NULL;
	balancer->common = (struct pass_common){ service, table, on_change };
	balancer->group = group;
	balancer->waiting_client.fd = -1;
	list_init(&balancer->processes);
	balancer->by_index = calloc(table->n_processes, sizeof(struct pass_process *));
	if (!balancer->by_index || load_ranks_init(&balancer->ranks, table->n_clients) < 0) {
		balancer_free(balancer);
		return NULL;
	}
	return balancer;
}

void balancer_free(struct balancer *balancer)
{
	if (!balancer)
		return;

	lose_waiting_client(balancer);
	timer_cancel(&balancer->retry);
	timer_cancel(&balancer->idle);
	list_unlink(&balancer->growing_link);
	each_process(balancer, remove_process);
	free(balancer->by_index);
	load_ranks_fini(&balancer->ranks);
	free(balancer);
}

int balancer_add(struct balancer *balancer, unsigned process_index, pid_t pid, int fd)
{
	struct pass_process *process;
	int r = 0;

	if (process_index >= balancer->common.table->n_processes ||
	    balancer->by_index[process_index]) {
		if (fd >= 0)
			close(fd);
		return -EBADMSG;
	}
	process = pass_process_new(&balancer->common, process_index, pid, fd);
	if (!process)
		return -ENOMEM;
	balancer->by_index[process_index] = process;
	list_add_before(&balancer->processes, &process->link);
	balancer->n_staying++;
	balancer->group->n_processes++;
	if (mode_of(balancer) == MODE_SERVING)
		r = activate(process);
	if (r < 0)
		remove_process(process);
	return r;
}

struct pass_process *balancer_find(const struct balancer *balancer, unsigned process_index)
{
	return process_index < balancer->common.table->n_processes
		       ? balancer->by_index[process_index]
		       : NULL;
}

void balancer_on_gone(struct pass_process *process, int status)
{
	struct balancer *balancer = balancer_of(process);

	pass_process_end_clients(process, &status);
	remove_process(process);
	/* The clients that have ended count against `instances` no more. */
	balancer_update(balancer);
}

void balancer_leave(struct pass_process *process)
{
	if (process->leaving)
		return;
	process->leaving = true;
	balancer_of(process)->n_staying--;
	list_unlink(&process->load_link);
}

void balancer_end_orphans(const struct balancer *balancer, unsigned process_index)
{
	if (mode_of(balancer) == MODE_SERVING &&
	    process_index < balancer->common.table->n_processes &&
	    !balancer->by_index[process_index])
		pass_process_end_orphans(&balancer->common, process_index);
}

static void leave_alone(struct pass_process *process)
{
	if (process->leaving)
		return;
	list_unlink(&process->load_link);
	pass_process_deactivate(process);
}

void balancer_halt(struct balancer *balancer)
{
	each_process(balancer, leave_alone);
}

static void take_back(struct pass_process *process)
{
	int r;

	if (process->leaving && !process->dismissed) {
		process->leaving = false;
		balancer_of(process)->n_staying++;
	}
	r = activate(process);
	if (r < 0) {
		log_service(LOG_ERR, name_of(balancer_of(process)), r,
			    "cannot watch its program (pid %ld)", (long)process->pid);
		remove_process(process);
	}
}

void balancer_resume(struct balancer *balancer)
{
	each_process(balancer, take_back);
	balancer_update(balancer);
}

static void let_go(struct pass_process *process)
{
	if (process->leaving)
		return;
	pass_process_deactivate(process);
	remove_process(process);
}

static void dismiss_idle(struct pass_process *process)
{
	if (!has_clients(process))
		dismiss(process);
}

void balancer_drain(struct balancer *balancer, bool has_successor)
{
	each_process(balancer, has_successor ? let_go : balancer_leave);
	each_process(balancer, dismiss_idle);
	lose_waiting_client(balancer);
}

static void end_clients(struct pass_process *process)
{
	pass_process_end_clients(process, NULL);
}

void balancer_end_clients(struct balancer *balancer)
{
	each_process(balancer, end_clients);
}
