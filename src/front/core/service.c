#include "front/core/service.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "channel/startup.h"

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

/* Without a rate no clock is asked. */
static int64_t wait_ns(const struct front_service *service)
{
	const struct rate *rate = &service->settings->cps;

	return rate->interval_ns ? token_bucket_wait_ns(&service->stats->cps, rate, clock_us()) : 0;
}

bool service_take_token(const struct front_service *service)
{
	const struct rate *rate = &service->settings->cps;

	return rate->interval_ns == 0 || token_bucket_take(&service->stats->cps, rate, clock_us());
}

struct admission_counters service_counters(const struct front_service *service)
{
	struct admission_counters counters = { .wait_ns = wait_ns(service) };

	if (service->dispatch->flags & DISPATCH_ASKS_KEEPER) {
		counters.children = service->children;
		return counters;
	}
	counters.sessions = atomic_load_explicit(service->sessions, memory_order_relaxed);
	counters.older = older_sessions(service);
	return counters;
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

const char *service_use(const struct front_service *service)
{
	static char text[160];
	struct admission_counters counters = service_counters(service);
	char limit[24] = "unlimited";

	if (service->settings->instances != UINT_MAX)
		snprintf(limit, sizeof(limit), "%u", service->settings->instances);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " of %s instances are in use (programs %" PRIu64 ", sessions %" PRIu64
		 ", of older fronts %" PRIu64 ")",
		 admission_used(&counters), limit, counters.children, counters.sessions,
		 counters.older);
	if (counters.wait_ns > 0) {
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length,
			 ", the rate lets one come in %" PRId64 " ms",
			 counters.wait_ns / 1000000 + 1);
	}
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
