#include "keeper/startup.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "channel/startup.h"
#include "channel/stats.h"
#include "keeper/pool/pools.h"
#include "keeper/fronts/front.h"
#include "keeper/keeper.h"
#include "keeper/listen/activation.h"
#include "keeper/log-target.h"
#include "keeper/service/generation.h"
#include "net/closer.h"

DEFINE_AUTO(struct front, front_free);

static unsigned *count_children(const struct generation *generation)
{
	unsigned *children = calloc(generation->n_records + 1, sizeof(*children));

	for (size_t i = 0; children && i < generation->n_records; i++)
		children[i] = generation->records[i]->live;
	return children;
}

static struct session_counts **find_older(struct keeper *keeper, size_t *out_n)
{
	struct session_counts **older;
	size_t n = 0;

	list_for_each(at, next, &keeper->fronts.list)
		n++;
	older = calloc(n + 1, sizeof(*older));
	n = 0;
	if (older)
		list_for_each(at, next, &keeper->fronts.list)
			older[n++] = container_of(at, struct front, link)->session_counts;
	*out_n = n;
	return older;
}

/* Also pipes of services that are gone, because their programs may still run. */
static struct startup_stderr *find_stderr_pipes(const struct service_records *records,
						size_t *out_n)
{
	struct startup_stderr *pipes = calloc(HASH_COUNT(records->by_name) + 1, sizeof(*pipes));
	size_t n = 0;

	for (const struct service_record *at = records->by_name; pipes && at; at = at->hh.next)
		if (at->stderr_read >= 0)
			pipes[n++] = (struct startup_stderr){ at->name, at->stderr_read };
	*out_n = n;
	return pipes;
}

/* Closes everything that a front must not have, because it faces the network. */
static void abandon(struct keeper *keeper, const struct generation *generation)
{
	fronts_abandon(&keeper->fronts);
	requests_abandon(&keeper->requests);
	launches_abandon(&keeper->launches);
	service_records_abandon(&keeper->records);
	reserve_fd_fini(&keeper->reserve);
	activation_close(keeper->listener_table.activation);
	listener_table_abandon(&keeper->listener_table, generation->bound, generation->n_bound);
	pools_abandon(&keeper->pools, generation);
	pid_file_abandon(&keeper->pid_file);
	log_target_abandon();
	close(keeper->signals.fd);
	closer_abandon();
	poller_free(keeper->poller);
}

/* The counts and lists that are made for one start. */
struct tables {
	unsigned *children;
	struct session_counts **older;
	struct startup_pool *pools;
	struct startup_process *processes;
	struct startup_stderr *pipes;
};

static void tables_fini(struct tables *tables)
{
	free(tables->children);
	free(tables->older);
	free(tables->pools);
	free(tables->processes);
	free(tables->pipes);
}

static int fill_in(struct startup *startup, struct tables *tables, struct keeper *keeper,
		   const struct generation *generation)
{
	int r;

	/* Now, because what the front inherits includes these changes. */
	pools_settle(&keeper->pools);
	fronts_tell_ended(&keeper->fronts);
	tables->children = count_children(generation);
	tables->older = find_older(keeper, &startup->n_older);
	tables->pipes = find_stderr_pipes(&keeper->records, &startup->n_stderr_pipes);
	if (!tables->children || !tables->older || !tables->pipes)
		return -ENOMEM;
	r = pools_startup(&keeper->pools, generation, &tables->pools, &tables->processes,
			  &startup->n_processes);
	if (r < 0)
		return r;

	startup->children = tables->children;
	startup->older = tables->older;
	startup->stderr_pipes = tables->pipes;
	startup->pools = tables->pools;
	startup->processes = tables->processes;
	return 0;
}

/* Returns 0 or a negative errno. Does not return in the new process. */
static int fork_front(struct keeper *keeper, struct front *front, struct startup *startup)
{
	front->pid = fork();
	if (front->pid < 0)
		return -errno;
	if (front->pid == 0) {
		front_channel_abandon(&front->channel);
		abandon(keeper, front->generation);
		_exit(keeper->options->front_main(startup));
	}
	return 0;
}

int front_start(struct keeper *keeper, struct generation *generation, struct front **out)
{
	AUTO(auto_front_free) struct front *front = NULL;
	AUTO(tables_fini) struct tables tables = { 0 };
	AUTO(auto_close) int theirs = -1;
	struct startup startup = {
		.settings = generation->settings,
		.listeners = generation->listeners,
		.stats_indices = generation->record_numbers,
		.stats = keeper->stats,
		.hold = keeper->fronts.paused,
	};
	int r;

	r = fronts_prepare(&keeper->fronts, generation, &front, &theirs);
	if (r < 0)
		return r;
	startup.channel = theirs;
	startup.session_counts = front->session_counts;
	r = fill_in(&startup, &tables, keeper, generation);
	if (r == 0)
		r = fork_front(keeper, front, &startup);
	if (r < 0)
		return r;

	fronts_add(&keeper->fronts, front);
	*out = take_ptr(front);
	unread_pass_all(&keeper->requests.unread);
	return 0;
}
