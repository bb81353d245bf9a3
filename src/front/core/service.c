#include "front/core/service.h"

#include <limits.h>
#include <stdio.h>

#include "channel/startup.h"
#include "front/core/client-log.h"

void service_init(struct front_service *service, const struct context *context, size_t index)
{
	const struct startup *startup = context->startup;

	service->settings = &startup->settings->services[index];
	service->context = context;
	service->stats_index = startup->stats_indices[index];
	service->stats = &startup->stats[service->stats_index];
	service->sessions = &startup->session_counts->sessions[service->stats_index];
	service->children = startup->children[index];
	list_init(&service->paused);
}

static uint64_t older_sessions(const struct front_service *service)
{
	const struct startup *startup = service->context->startup;
	uint64_t sessions = 0;

	for (size_t i = 0; i < startup->n_older; i++)
		sessions += atomic_load_explicit(&startup->older[i]->sessions[service->stats_index],
						 memory_order_relaxed);
	return sessions;
}

struct admission_counters service_counters(const struct front_service *service)
{
	if (service->dispatch->flags & DISPATCH_ASKS_KEEPER)
		return (struct admission_counters){ .children = service->children };
	return (struct admission_counters){
		.sessions = atomic_load_explicit(service->sessions, memory_order_relaxed),
		.older = older_sessions(service),
	};
}

enum admission service_admission(const struct front_service *service)
{
	struct admission_counters counters = service_counters(service);

	return admission_decide(service->settings, &counters);
}

void service_count_sessions(const struct front_service *service, int change)
{
	atomic_fetch_add_explicit(service->sessions, (uint32_t)change, memory_order_relaxed);
}

void service_children_ended(struct front_service *service, unsigned n)
{
	service->children -= n < service->children ? n : service->children;
}

void service_refuse(const struct front_service *service, const struct address *peer)
{
	struct admission_counters counters = service_counters(service);

	atomic_fetch_add_explicit(&service->stats->refused, 1, memory_order_relaxed);
	service_debug(service->settings, "refuses %s: %s", service_client(service, peer),
		      service_use(service));
	log_refused(service->settings, peer, admission_used(&counters));
}

const char *service_use(const struct front_service *service)
{
	static char text[160];
	struct admission_counters counters = service_counters(service);
	char limit[24] = "unlimited";

	if (service->settings->instances != UINT_MAX)
		snprintf(limit, sizeof(limit), "%u", service->settings->instances);
	snprintf(text, sizeof(text),
		 "%llu of %s instances are in use (programs %llu, sessions %llu, of older fronts "
		 "%llu)",
		 (unsigned long long)admission_used(&counters), limit,
		 (unsigned long long)counters.children, (unsigned long long)counters.sessions,
		 (unsigned long long)counters.older);
	return text;
}

const char *service_client(const struct front_service *service, const struct address *peer)
{
	static char text[ADDRESS_TEXT_MAX];
	struct address plain = *peer;

	if (!(service->settings->log_on_success & RECORD_HOST) || peer->length == 0)
		return "a client";
	address_unmap(&plain);
	return address_text(&plain, text);
}
