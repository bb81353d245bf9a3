#include "config/build-pool.h"

#include <limits.h>
#include <sys/socket.h>

#include "config/build-context.h"
#include "config/dispatch.h"

static void check_connections(struct build *build)
{
	const struct service *service = build->service;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		if (service->endpoints[i].type != SOCK_DGRAM)
			continue;
		build_error(build, OPTION_DISPATCH, 0,
			    "'dispatch = %s' hands over connections, and '%s' has none",
			    dispatch_traits(service->dispatch)->name, service->endpoints[i].text);
		return;
	}
}

/* These processes start before their clients, so standard error cannot be a connection. */
static void choose_stderr(struct build *build)
{
	if (build->draft->stderr_to != STDERR_SOCKET)
		return;
	if (build->draft->own[OPTION_STDERR])
		build_error(build, OPTION_STDERR, 0,
			    "'stderr' takes 'log' or 'null' with %s, not 'socket': the program has "
			    "no client at its start",
			    dispatch_list(DISPATCH_STARTS_PROCESSES));
	build->draft->stderr_to = STDERR_LOG;
}

void build_pool(struct build *build)
{
	const struct draft *draft = build->draft;
	struct service *service = build->service;

	if (dispatch_has(service->dispatch, DISPATCH_SHARES_LISTENER))
		service->instances = UINT_MAX;
	if (!dispatch_has(service->dispatch, DISPATCH_STARTS_PROCESSES))
		return;
	if (draft->own[OPTION_READY_TIMEOUT] && !draft->pool.ready_notify &&
	    !draft->defaults_unsure)
		build_error(build, OPTION_READY_TIMEOUT, 0,
			    "'ready_timeout' needs 'ready = notify'");
	if (dispatch_has(service->dispatch, DISPATCH_PASSES_CLIENTS))
		check_connections(build);

	choose_stderr(build);
	service->pool = draft->pool;
}
