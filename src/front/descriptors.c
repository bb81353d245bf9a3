#include "front/descriptors.h"

#include <sys/select.h>

#include "channel/pass-table.h"
#include "channel/startup.h"
#include "config/settings.h"
#include "net/listener.h"

/* The log, the socket of a program that has ended, one of its datagrams, and epoll. */
#define RESERVE_MIN 4
#define RESERVE_PART 4 /* at most this part of the free numbers is kept */

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

static rlim_t count_wanted(const struct startup *startup)
{
	const struct settings *settings = startup->settings;
	rlim_t n = RESERVE_MIN;

	for (size_t i = 0; i < settings->n_services; i++) {
		n += unbound_sockets(startup, &settings->services[i]);
		if (startup->pools[i].table)
			n += startup->pools[i].table->n_processes;
	}
	return n;
}

static void take_number(rlim_t *first_free, int fd)
{
	if (fd >= 0 && (rlim_t)fd >= *first_free)
		*first_free = (rlim_t)fd + 1;
}

/* All numbers from the one that is returned on are free. */
static rlim_t first_free(const struct startup *startup)
{
	rlim_t first = 0;

	take_number(&first, startup->channel);
	for (size_t i = 0; i < startup->settings->n_endpoints; i++)
		for (size_t j = 0; j < listener_n_sockets(startup->listeners[i]); j++)
			take_number(&first, listener_socket(startup->listeners[i], j));
	for (size_t i = 0; i < startup->n_processes; i++)
		take_number(&first, startup->processes[i].fd);
	for (size_t i = 0; i < startup->n_stderr_pipes; i++)
		take_number(&first, startup->stderr_pipes[i].fd);
	return first;
}

/* A front with more listeners than numbers for clients must still serve some. */
static rlim_t count_reserve(const struct startup *startup, rlim_t n_numbers)
{
	rlim_t first = first_free(startup), wanted = count_wanted(startup);
	rlim_t most = n_numbers > first ? (n_numbers - first) / RESERVE_PART : 0;

	return wanted < most ? wanted : most;
}

static rlim_t lifted_limit(const struct descriptors *descriptors, const struct rlimit *limit)
{
	return limit->rlim_max < descriptors->most ? limit->rlim_max : descriptors->most;
}

void descriptors_init(struct descriptors *descriptors, const struct startup *startup)
{
	struct rlimit limit;
	rlim_t all, soft;

	/* Clients that select cannot watch wait in the queue, as when descriptors run out. */
	descriptors->most = startup->settings->poller == POLLER_SELECT ? FD_SETSIZE : RLIM_INFINITY;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	all = lifted_limit(descriptors, &limit);
	soft = all - count_reserve(startup, all);
	if (limit.rlim_cur <= soft)
		return;
	limit.rlim_cur = soft;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Reads the limits each time, because another process may change them. */
void descriptors_lift(struct descriptors *descriptors)
{
	struct rlimit limit;

	descriptors->is_lifted = false;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	descriptors->before = limit.rlim_cur;
	descriptors->lifted = lifted_limit(descriptors, &limit);
	if (descriptors->lifted <= limit.rlim_cur)
		return;
	limit.rlim_cur = descriptors->lifted;
	descriptors->is_lifted = setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void descriptors_lower(struct descriptors *descriptors)
{
	struct rlimit limit;

	/* If another process has changed the limit meanwhile, it stays. */
	if (!descriptors->is_lifted || getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur != descriptors->lifted)
		return;
	limit.rlim_cur = descriptors->before;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
