#include "front/descriptors.h"

#include <sys/select.h>

#include "channel/startup.h"
#include "config/settings.h"
#include "net/listener.h"

#define RESERVE_MIN 2  /* the log, and the socket of a program that has ended */
#define RESERVE_PART 4 /* at most this part of all numbers is kept */

static size_t unbound_sockets(const struct startup *startup, const struct service *service)
{
	size_t wanted = service->shards > 1 ? service->shards : 1;
	size_t n = 0;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		size_t has = listener_n_sockets(startup->listeners[service->first_endpoint + i]);

		n += has < wanted ? wanted - has : 0;
	}
	return n;
}

static rlim_t count_reserve(const struct startup *startup)
{
	const struct settings *settings = startup->settings;
	rlim_t n = RESERVE_MIN;

	for (size_t i = 0; i < settings->n_services; i++) {
		const struct service *service = &settings->services[i];

		n += unbound_sockets(startup, service);
		if (dispatch_has(service->dispatch, DISPATCH_PASSES_CLIENTS))
			n += service->pool.max;
	}
	return n;
}

void descriptors_init(struct descriptors *descriptors, const struct startup *startup)
{
	rlim_t reserve = count_reserve(startup);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	descriptors->all = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	/* Clients that select cannot watch wait in the queue, as when descriptors run out. */
	if (startup->settings->poller == POLLER_SELECT && limit.rlim_max > FD_SETSIZE)
		descriptors->all.rlim_cur = FD_SETSIZE;
	if (reserve > descriptors->all.rlim_cur / RESERVE_PART)
		reserve = descriptors->all.rlim_cur / RESERVE_PART;
	if (limit.rlim_cur > descriptors->all.rlim_cur - reserve)
		limit.rlim_cur = descriptors->all.rlim_cur - reserve;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void descriptors_lift(struct descriptors *descriptors)
{
	/* Nothing is known about the limit, if it could not be read. */
	descriptors->is_lifted =
		descriptors->all.rlim_max > 0 &&
		prlimit(0, RLIMIT_NOFILE, &descriptors->all, &descriptors->before) == 0;
}

void descriptors_lower(struct descriptors *descriptors)
{
	struct rlimit now;

	/* Another process may have changed the limit meanwhile; then it stays. */
	if (!descriptors->is_lifted || getrlimit(RLIMIT_NOFILE, &now) < 0 ||
	    now.rlim_cur != descriptors->all.rlim_cur)
		return;
	now.rlim_cur = descriptors->before.rlim_cur;
	(void)setrlimit(RLIMIT_NOFILE, &now);
}
