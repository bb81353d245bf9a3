/* What is said about preallocated programs: how many, for how long, and where it fits. */

#include <limits.h>
#include <sys/socket.h>

#include "config/parse.h"

enum {
	OF_SPAWN = 1 << DISPATCH_SPAWN,
	OF_WAIT = 1 << DISPATCH_WAIT,
	OF_POOL = 1 << DISPATCH_POOL,
	OF_PASS = 1 << DISPATCH_PASS,
};

/* The options of programs that not every way of dispatch has a use for. */
static const struct {
	int option;
	unsigned of;
	const char *why;
} uses[] = {
	{ OPTION_PROCESSES, OF_POOL | OF_PASS, "is for 'dispatch = pool' and 'dispatch = pass'" },
	{ OPTION_CLIENTS_PER_PROCESS, OF_PASS, "is for 'dispatch = pass'" },
	{ OPTION_IDLE_EXIT, OF_POOL | OF_PASS, "is for 'dispatch = pool' and 'dispatch = pass'" },
	{ OPTION_READY, OF_POOL | OF_PASS, "is for 'dispatch = pool' and 'dispatch = pass'" },
	{ OPTION_READY_TIMEOUT, OF_POOL | OF_PASS,
	  "is for 'dispatch = pool' and 'dispatch = pass'" },
	{ OPTION_INSTANCES, OF_SPAWN | OF_WAIT | OF_PASS,
	  "is not for 'dispatch = pool', where the programs accept clients themselves; see "
	  "'processes'" },
	{ OPTION_OVERFLOW, OF_SPAWN | OF_WAIT | OF_PASS,
	  "is not for 'dispatch = pool', where the programs accept clients themselves" },
};

static void check_uses(struct build *build)
{
	unsigned dispatch = 1 << build->service->dispatch;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (build->draft->own[uses[i].option] && !(uses[i].of & dispatch))
			build_error(build, uses[i].option, 0, "'%s' %s",
				    schema_options[uses[i].option].name, uses[i].why);
}

static void check_connections(struct build *build)
{
	const struct service *service = build->service;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		if (service->endpoints[i].type != SOCK_DGRAM)
			continue;
		build_error(build, OPTION_DISPATCH, 0,
			    "'dispatch = pass' hands over connections, and '%s' has none",
			    service->endpoints[i].text);
		return;
	}
}

/* No client is there yet whose connection could be the standard error. */
static void build_stderr(struct build *build)
{
	enum stderr_to *stderr_to = &build->service->program.stderr_to;

	if (*stderr_to != STDERR_SOCKET)
		return;
	if (build->draft->own[OPTION_STDERR])
		build_error(build, OPTION_STDERR, 0,
			    "'stderr' takes 'log' or 'null' with 'dispatch = pool' and "
			    "'dispatch = pass', not 'socket': the program has no client at its "
			    "start");
	*stderr_to = STDERR_LOG;
}

void build_crew(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;

	check_uses(build);
	if (service->dispatch != DISPATCH_POOL && service->dispatch != DISPATCH_PASS)
		return;
	if (draft->own[OPTION_READY_TIMEOUT] && !draft->pool.ready_notify &&
	    !build->parse->defaults_unsure)
		build_error(build, OPTION_READY_TIMEOUT, 0,
			    "'ready_timeout' needs 'ready = notify'");
	if (service->dispatch == DISPATCH_PASS)
		check_connections(build);

	build_stderr(build);
	service->pool = draft->pool;
	if (service->dispatch == DISPATCH_POOL)
		service->instances = UINT_MAX;
}
