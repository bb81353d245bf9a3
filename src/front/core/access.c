#include "front/core/access.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "front/core/client-log.h"
#include "front/core/credentials.h"
#include "front/core/service.h"

/* The name of a set, and the end of a path; a line of the log has room for more. */
#define WHY_MAX 512

#define DATAGRAM_INTERVAL_MS 1000 /* between two lines about datagrams that may not come */

static void count(const struct front_service *service, enum refusal refusal)
{
	atomic_fetch_add_explicit(&service->stats->refused[refusal], 1, memory_order_relaxed);
}

void access_refuse_full(const struct front_service *service, const struct address *peer)
{
	struct admission_counters counters = service_counters(service);
	enum refusal refusal = admission_obstacle(service->settings, &counters);
	char why[64];

	/* Since the decision a token may have come, or an older front have lost a client. */
	if (refusal == REFUSAL_NONE)
		refusal = service->settings->cps.interval_ns ? REFUSAL_CPS : REFUSAL_INSTANCES;
	count(service, refusal);
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

static void log_datagram(struct front_service *service, const struct address *peer,
			 enum refusal refusal, const char *why)
{
	int64_t now = clock_ms();
	char text[WHY_MAX + 64];

	if (service->datagram_said_ms && now - service->datagram_said_ms < DATAGRAM_INTERVAL_MS) {
		service->datagrams_unlogged++;
		return;
	}
	snprintf(text, sizeof(text), "%s", why);
	if (service->datagrams_unlogged > 0)
		snprintf(text, sizeof(text), "%s; so with %" PRIu64 " others before it", why,
			 service->datagrams_unlogged);
	log_refused(service->settings, peer, refusal, text);
	service->datagram_said_ms = now;
	service->datagrams_unlogged = 0;
}

bool access_allows(struct front_service *service, int fd, const struct address *peer)
{
	const struct service *settings = service->settings;
	struct candidate candidate = { .peer = peer };
	struct client_match match;
	enum refusal refusal;
	char why[WHY_MAX];

	if (admission_is_open(settings))
		return true;
	candidate.now = time(NULL);
	if (fd >= 0 && address_is_unix(peer) && admission_needs_credentials(settings))
		candidate.credentials = credentials_ask(fd);
	refusal = admission_judge(settings, &candidate, &match);
	if (refusal == REFUSAL_NONE)
		return true;
	count(service, refusal);
	say_why(why, sizeof(why), refusal, &match);
	service_debug(settings, "refuses %s: %s", service_client(service, peer), why);
	if (fd < 0)
		log_datagram(service, peer, refusal, why);
	else
		log_refused(settings, peer, refusal, why);
	return false;
}

bool access_allows_quietly(const struct front_service *service, const struct address *peer)
{
	const struct candidate candidate = { .peer = peer, .now = time(NULL) };
	enum refusal refusal = REFUSAL_NONE;
	struct client_match match;

	if (!admission_is_open(service->settings))
		refusal = admission_judge(service->settings, &candidate, &match);
	if (refusal == REFUSAL_NONE && !service_take_token(service))
		refusal = REFUSAL_CPS;
	if (refusal != REFUSAL_NONE)
		count(service, refusal);
	return refusal == REFUSAL_NONE;
}
