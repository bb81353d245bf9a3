#include "keeper/child/shortage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/child/request.h"
#include "keeper/fronts/fronts.h"
#include "keeper/fronts/reserve-fd.h"

/* More than a channel holds. Reached only if a front reads the order to pause very late. */
#define WAITING_MAX 1024

#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 500

/* How long a trial may take. */
#define TRIAL_MS 500

static struct request *request_at(struct list *link)
{
	return container_of(link, struct request, link);
}

void shortage_init(struct shortage *shortage, struct timers *timers, struct fronts *fronts,
		   struct reserve_fd *reserve,
		   int (*retry)(struct shortage *shortage, struct request *request))
{
	*shortage = (struct shortage){
		.timers = timers,
		.fronts = fronts,
		.reserve = reserve,
		.retry = retry,
	};
	list_init(&shortage->waiting);
}

void shortage_fini(struct shortage *shortage)
{
	timer_cancel(&shortage->timer);
}

bool shortage_lasts(const struct shortage *shortage)
{
	return shortage->pause.pause_ms > 0;
}

static void on_timer(struct timer *timer);

static void wait_a_moment(struct shortage *shortage)
{
	int64_t pause_ms = backoff_next(&shortage->pause, PAUSE_FIRST_MS, PAUSE_MAX_MS);

	log_debug("shortage: next attempt in %lld ms; requests that wait %zu", (long long)pause_ms,
		  shortage->n_waiting);
	(void)timer_set(&shortage->timer, shortage->timers, clock_ms() + pause_ms, on_timer);
}

void shortage_begin(struct shortage *shortage, int error)
{
	if (shortage_lasts(shortage))
		return;
	log_warning(error, "programs cannot be started for now; their clients wait");
	fronts_pause(shortage->fronts);
	wait_a_moment(shortage);
}

static void end(struct shortage *shortage)
{
	log_info("programs can be started again");
	backoff_reset(&shortage->pause);
	fronts_continue(shortage->fronts);
	fronts_listen(shortage->fronts);
}

/* When too many wait, no more messages are read. */
static void count(struct shortage *shortage, int change)
{
	shortage->n_waiting += change;
	shortage->reserve->withheld = shortage->n_waiting >= WAITING_MAX;
}

static void wait_first(struct shortage *shortage, struct request *request)
{
	list_add_before(shortage->waiting.next, &request->link);
	count(shortage, 1);
}

/* Tries the requests again, oldest first, until one must wait or is under way. */
static int try_again(struct shortage *shortage)
{
	struct request *request;
	int r;

	while ((request = shortage_take(shortage))) {
		r = shortage->retry(shortage, request);
		if (r < 0)
			wait_first(shortage, request);
		if (r != 0)
			return r;
	}
	return 0;
}

static void serve(struct shortage *shortage)
{
	int r = try_again(shortage);

	shortage->trying = r > 0;
	if (r > 0) {
		(void)timer_set(&shortage->timer, shortage->timers, clock_ms() + TRIAL_MS,
				on_timer);
		return;
	}
	if (!reserve_fd_restore(shortage->reserve) || r < 0)
		wait_a_moment(shortage);
	else
		end(shortage);
}

static void on_timer(struct timer *timer)
{
	struct shortage *shortage = container_of(timer, struct shortage, timer);

	/* A trial that takes so long is short of nothing. */
	serve(shortage);
}

void shortage_tried(struct shortage *shortage, int error)
{
	if (!shortage->trying)
		return;
	shortage->trying = false;
	timer_cancel(&shortage->timer);
	if (error < 0)
		wait_a_moment(shortage);
	else
		serve(shortage);
}

void shortage_restore_reserve(struct shortage *shortage)
{
	if (!reserve_fd_restore(shortage->reserve))
		shortage_begin(shortage, -EMFILE);
}

void shortage_add(struct shortage *shortage, struct request *request, int error)
{
	if (request->on_trial)
		wait_first(shortage, request);
	else {
		list_add_before(&shortage->waiting, &request->link);
		count(shortage, 1);
	}
	shortage_begin(shortage, error);
}

struct request *shortage_take(struct shortage *shortage)
{
	struct request *request;

	if (!list_is_linked(&shortage->waiting))
		return NULL;
	request = request_at(shortage->waiting.next);
	list_unlink(&request->link);
	count(shortage, -1);
	return request;
}

void shortage_abandon(struct shortage *shortage)
{
	list_for_each(at, next, &shortage->waiting)
		if (request_at(at)->fd >= 0)
			close(request_at(at)->fd);
}
