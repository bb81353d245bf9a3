#include "keeper/reload-log.h"

#include "config/settings.h"
#include "keeper/listen/listener-table.h"
#include "keeper/service/generation.h"

static const char *change_of(const struct service *old, const struct service *new)
{
	if (!old)
		return "new";
	if (old->digest != new->digest)
		return "changed, also for its programs";
	if (old->options_digest != new->options_digest)
		return "changed";
	return "kept as it was";
}

static const char *state_of(const struct bound_listener *bound, bool was_there)
{
	if (bound->covered)
		return "served by a socket that was passed";
	if (bound->listener->fd < 0)
		return "waits for its address";
	return was_there ? "kept open" : "opened";
}

static void log_endpoints(const struct generation *previous, const struct generation *next,
			  const struct service *service)
{
	const struct service_record *record = next->records[service->index];

	for (size_t i = 0; i < service->n_endpoints; i++) {
		const struct bound_listener *bound = next->bound[service->first_endpoint + i];

		service_debug(service, "reload: %s: %s", service->endpoints[i].text,
			      state_of(bound, generation_find(previous, record, bound) >= 0));
	}
}

static void log_present(const struct generation *previous, const struct generation *next,
			const struct service *service)
{
	int64_t before = generation_service(previous, next->records[service->index]);
	const struct service *old = before < 0 ? NULL : &previous->settings->services[before];

	service_debug(service, "reload: %s", change_of(old, service));
	log_endpoints(previous, next, service);
}

/* What @next does not have any more. */
static void log_gone(const struct generation *previous, const struct generation *next,
		     const struct service *service)
{
	const struct service_record *record = previous->records[service->index];

	if (generation_service(next, record) < 0)
		service_debug(service, "reload: removed; programs that run on %u", record->live);
	for (size_t i = 0; i < service->n_endpoints; i++) {
		const struct bound_listener *bound = previous->bound[service->first_endpoint + i];

		if (generation_find(next, record, bound) < 0)
			service_debug(service, "reload: %s: closed", service->endpoints[i].text);
	}
}

void reload_log(const struct generation *previous, const struct generation *next)
{
	const struct settings *old = previous->settings, *new = next->settings;

	for (size_t i = 0; i < new->n_services; i++)
		if (new->services[i].debug)
			log_present(previous, next, &new->services[i]);
	for (size_t i = 0; i < old->n_services; i++)
		if (old->services[i].debug)
			log_gone(previous, next, &old->services[i]);
}
