#include "keeper/reload-steps.h"

#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/load.h"
#include "config/settings.h"
#include "keeper/child/shortage.h"
#include "keeper/child/unread.h"
#include "keeper/child/wait.h"
#include "keeper/keeper.h"
#include "keeper/log-target.h"
#include "keeper/notify.h"
#include "keeper/pool/pools.h"
#include "keeper/reload-log.h"
#include "keeper/report.h"
#include "keeper/service/generation.h"
#include "keeper/startup.h"

static struct keeper *keeper_of(struct reload *reload)
{
	return container_of(reload, struct keeper, reload);
}

static struct load_options options_of(const struct keeper *keeper)
{
	return (struct load_options){
		.port_base = keeper->options->port_base,
		.pid_file = keeper->options->pid_file,
		.privileged = keeper->options->privileged,
	};
}

/* Their connections end when their programs end, not when the rehearsal does. */
static void abandon_clients(void *owner)
{
	struct keeper *keeper = owner;

	requests_abandon(&keeper->requests);
}

static pid_t rehearse(struct reload *reload)
{
	struct keeper *keeper = keeper_of(reload);
	const struct keeper_options *options = keeper->options;
	struct load_options load_options = options_of(keeper);
	int r;

	notify_reloading();
	/* The log is opened with its number, and the child opens its files with it. */
	(void)reserve_fd_release(&keeper->reserve);
	log_target_reopen(keeper->generation->settings, options->foreground, &keeper->fronts);
	log_info("loading '%s'", options->path);
	load_options.abandon = abandon_clients;
	load_options.owner = keeper;
	r = rehearsal_start(&keeper->rehearsal, options->path, &load_options);
	shortage_restore_reserve(&keeper->requests.shortage);
	if (r < 0)
		return log_error(r, "cannot start a process to try '%s'", options->path);
	return keeper->rehearsal.pid;
}

static int prepare(struct reload *reload, int status, struct generation **out)
{
	struct keeper *keeper = keeper_of(reload);
	const struct load_options options = options_of(keeper);
	struct settings *settings;
	int r;

	r = rehearsal_result(&keeper->rehearsal, status);
	if (r < 0)
		return r;
	r = rehearsal_settings(&keeper->rehearsal, keeper->options->path, &options, &settings);
	if (r < 0)
		return r;
	r = generation_new(out, settings, &keeper->listener_table, &keeper->records,
			   &keeper->options->descriptors);
	if (r < 0)
		return r;
	r = launches_make_room(&keeper->launches, generation_text_size(*out));
	if (r == 0)
		r = pools_take(&keeper->pools, *out);
	if (r < 0)
		return log_error(r, "cannot prepare the services");
	r = pid_file_prepare(&keeper->pid_file, (*out)->settings->pid_file);
	if (r < 0)
		return r;
	return log_target_open((*out)->settings, keeper->options->foreground, &keeper->fronts);
}

static void leave(struct reload *reload, struct front *front)
{
	pools_tell_leave(&keeper_of(reload)->pools, front, reload->next);
}

static int start_front(struct reload *reload, struct front **out)
{
	struct keeper *keeper = keeper_of(reload);
	int r;

	generation_apply(reload->next);
	r = front_start(keeper, reload->next, out);
	if (r < 0)
		return log_error(r, "cannot start a new front");
	/* Not before: without a front the timer would have started one. */
	timer_cancel(&keeper->restart);
	return 0;
}

static void serve(struct reload *reload, struct generation *next)
{
	struct keeper *keeper = keeper_of(reload);
	struct generation *previous = keeper->generation;

	keeper->serving = keeper->fronts.current;
	backoff_reset(&keeper->restart_pause);
	keeper->generation = next;
	generation_settle(next, true);
	pid_file_publish(&keeper->pid_file);
	pools_follow(&keeper->pools, next);
	wait_follow(&keeper->children, next);
	reload_log(previous, next);
	generation_unref(previous);
	report_loaded(next);
}

static void stay(struct reload *reload)
{
	struct keeper *keeper = keeper_of(reload);

	unread_pass_all(&keeper->requests.unread);
	pools_take_back_leave(&keeper->pools);
}

static void go_back(struct reload *reload)
{
	struct keeper *keeper = keeper_of(reload);

	(void)log_target_open(keeper->generation->settings, keeper->options->foreground,
			      &keeper->fronts);
	generation_apply(keeper->generation);
	generation_settle(keeper->generation, false);
}

static void finish(struct reload *reload)
{
	struct keeper *keeper = keeper_of(reload);

	rehearsal_fini(&keeper->rehearsal);
	keeper->rehearsal = (struct rehearsal){ 0 };
	pid_file_withdraw(&keeper->pid_file);
	if (reload->failed) {
		log_error(0, "configuration not changed: '%s' could not be applied",
			  keeper->options->path);
		notify_error(-EINVAL);
	}
	keeper->reloaded = true;
}

static void end(pid_t pid)
{
	if (pid > 0)
		kill(pid, SIGKILL);
}

const struct reload_steps reload_steps = {
	.rehearse = rehearse,
	.prepare = prepare,
	.leave = leave,
	.start_front = start_front,
	.serve = serve,
	.stay = stay,
	.go_back = go_back,
	.finish = finish,
	.end = end,
};
