#include "front/core/service.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "channel/startup.h"
#include "front/core/client-log.h"

/* The limit of the kernel. */
#define GROUPS_MAX 65536

/* The name of a set, and the end of a path; a line of the log has room for more. */
#define WHY_MAX 512

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

static void count_refused(const struct front_service *service, enum refusal refusal)
{
	atomic_fetch_add_explicit(&service->stats->refused[refusal], 1, memory_order_relaxed);
}

void service_refuse_full(const struct front_service *service, const struct address *peer)
{
	struct admission_counters counters = service_counters(service);
	enum refusal refusal = admission_obstacle(service->settings, &counters);
	char why[64];

	/* A client may have ended since the decision. */
	if (refusal == REFUSAL_NONE)
		refusal = REFUSAL_INSTANCES;
	count_refused(service, refusal);
	service_debug(service->settings, "refuses %s: %s", service_client(service, peer),
		      service_use(service));
	if (refusal == REFUSAL_CPS) {
		log_refused(service->settings, peer, refusal, "more clients than cps allows");
		return;
	}
	snprintf(why, sizeof(why), "%" PRIu64 " of %u instances are in use",
		 admission_used(&counters), service->settings->instances);
	log_refused(service->settings, peer, REFUSAL_INSTANCES, why);
}

/* As whom the client of a Unix socket runs. The main thread alone asks, so the room is there once.
 */
static struct credentials ask_credentials(int fd)
{
	static gid_t groups[GROUPS_MAX];
	socklen_t groups_size = sizeof(groups);
	struct ucred ids;
	socklen_t size = sizeof(ids);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ids, &size) < 0)
		return (struct credentials){ .known = false };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) < 0)
		groups_size = 0;
	return (struct credentials){
		.known = true,
		.uid = ids.uid,
		.gid = ids.gid,
		.groups = groups,
		.n_groups = groups_size / sizeof(groups[0]),
	};
}

/* "not in only_from", or "in no_access, set 'office' (/etc/office.list:3)". */
static void say_why(char *out, size_t size, enum refusal refusal, const struct client_match *match)
{
	const char *option = refusal_word(refusal);

	if (refusal == REFUSAL_ONLY_FROM || refusal == REFUSAL_ACCESS_TIMES)
		snprintf(out, size, "not in %s", option);
	else if (match->set->name)
		snprintf(out, size, "in %s, set '%s' (%s:%d)", option, match->set->name,
			 match->place->file, match->place->line);
	else
		snprintf(out, size, "in %s (%s:%d)", option, match->place->file,
			 match->place->line);
}

bool service_lets_in(const struct front_service *service, int fd, const struct address *peer)
{
	struct candidate candidate = { .peer = peer, .now = time(NULL) };
	struct client_match match;
	enum refusal refusal;
	char why[WHY_MAX];

	if (admission_is_open(service->settings))
		return true;
	if (fd >= 0 && address_is_unix(peer) && admission_needs_credentials(service->settings))
		candidate.credentials = ask_credentials(fd);
	refusal = admission_judge(service->settings, &candidate, &match);
	if (refusal == REFUSAL_NONE)
		return true;
	count_refused(service, refusal);
	say_why(why, sizeof(why), refusal, &match);
	service_debug(service->settings, "refuses %s: %s", service_client(service, peer), why);
	log_refused(service->settings, peer, refusal, why);
	return false;
}

bool service_lets_in_quietly(const struct front_service *service, const struct address *peer)
{
	const struct candidate candidate = { .peer = peer, .now = time(NULL) };
	enum refusal refusal = REFUSAL_NONE;
	struct client_match match;

	if (!admission_is_open(service->settings))
		refusal = admission_judge(service->settings, &candidate, &match);
	if (refusal == REFUSAL_NONE && !service_take_token(service))
		refusal = REFUSAL_CPS;
	if (refusal != REFUSAL_NONE)
		count_refused(service, refusal);
	return refusal == REFUSAL_NONE;
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
	if (counters.wait_ns > 0) {
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length,
			 ", the rate lets one come in %lld ms",
			 (long long)(counters.wait_ns / 1000000 + 1));
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
