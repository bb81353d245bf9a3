#include "keeper/report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "channel/client-log.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "keeper/pool/pool.h"
#include "keeper/fronts/front.h"
#include "keeper/keeper.h"
#include "keeper/service/generation.h"

const char *report_status(const struct keeper *keeper)
{
	static char text[160];
	const struct settings *settings = keeper->generation->settings;
	size_t unbound = listener_table_count_unbound(&keeper->listener_table);
	char services[TEXT_COUNT_MAX], listeners[TEXT_COUNT_MAX];
	int n;

	n = snprintf(text, sizeof(text), "Serving %s on %s",
		     text_count(services, settings->n_services, "service"),
		     text_count(listeners, settings->n_endpoints - unbound, "listener"));
	if (unbound > 0)
		n += snprintf(text + n, sizeof(text) - n, "; %zu %s", unbound,
			      unbound == 1 ? "waits for its address" : "wait for their address");
	if (keeper->reload.failed)
		snprintf(text + n, sizeof(text) - n, "; the last reload failed, see the log");
	return text;
}

void report_loaded(const struct generation *generation)
{
	const struct settings *settings = generation->settings;
	size_t n_open = generation_count_open(generation);
	char services[TEXT_COUNT_MAX], listeners[TEXT_COUNT_MAX];

	text_count(services, settings->n_services, "service");
	text_count(listeners, settings->n_endpoints, "listener");
	if (n_open == settings->n_endpoints)
		log_info("configuration loaded: %s, %s", services, listeners);
	else
		log_info("configuration loaded: %s; %zu of %s %s open", services, n_open, listeners,
			 settings->n_endpoints == 1 ? "is" : "are");
}

static unsigned count_sessions(const struct keeper *keeper, unsigned record)
{
	unsigned n = 0;

	list_for_each(at, next, &keeper->fronts.list)
		n += atomic_load(
			&container_of(at, struct front, link)->session_counts->sessions[record]);
	return n;
}

static void report_listener(const struct bound_listener *bound)
{
	char text[ADDRESS_TEXT_MAX];

	if (bound->covered)
		log_info("  %s: with a socket that the service manager has passed",
			 bound->listener->endpoint.text);
	else if (bound->listener->fd < 0)
		log_info("  %s: not bound: %s", bound->listener->endpoint.text,
			 strerror(-bound->error));
	else
		log_info("  %s: %s", listener_text(bound->listener, text),
			 bound->listener->busy ? "with its program" : "listening");
}

/* ", next start in 4 s", while there is a pause. */
static void describe_pause(char *out, size_t size, const struct pool *pool)
{
	int64_t now = clock_ms();

	out[0] = '\0';
	if (timer_is_set(&pool->again) && pool->again.at_ms > now)
		snprintf(out, size, ", next start in %lld s",
			 (long long)(pool->again.at_ms - now + 999) / 1000);
}

static void report_pool(const struct service *service, const struct pool *pool)
{
	char pause[48], starting[32] = "", ending[32] = "";

	describe_pause(pause, sizeof(pause), pool);
	if (pool->counts.starting > 0)
		snprintf(starting, sizeof(starting), ", %u starting", pool->counts.starting);
	if (pool->counts.ending > 0)
		snprintf(ending, sizeof(ending), ", %u ending", pool->counts.ending);
	log_service(LOG_INFO, service->name, 0, "%s, %u of %u..%u processes ready%s%s%s",
		    pool->handle.passes ? "pass" : "pool", pool->counts.ready, service->pool.min,
		    service->pool.max, starting, ending, pause);
}

static void report_service(const struct keeper *keeper, const struct service *service)
{
	const struct generation *generation = keeper->generation;
	const struct service_record *record = generation->records[service->index];
	struct service_stats *stats = &keeper->stats[record->number];
	char programs[TEXT_COUNT_MAX], sessions[TEXT_COUNT_MAX];

	log_service(LOG_INFO, service->name, 0,
		    "%s and %s now; %llu accepted, %llu refused, "
		    "%llu not started, %llu datagrams, %llu of them without answer, "
		    "%llu dropped by the kernel",
		    text_count(programs, record->live, "program"),
		    text_count(sessions, count_sessions(keeper, record->number), "session"),
		    (unsigned long long)atomic_load(&stats->accepted),
		    (unsigned long long)stats_refused(stats),
		    (unsigned long long)atomic_load(&stats->failed),
		    (unsigned long long)atomic_load(&stats->datagrams),
		    (unsigned long long)atomic_load(&stats->dropped),
		    (unsigned long long)atomic_load(&stats->queue_drops));
	if (generation->pools[service->index])
		report_pool(service, pool_of(generation->pools[service->index]));
	for (size_t i = 0; i < service->n_endpoints; i++)
		report_listener(generation->bound[service->first_endpoint + i]);
}

static void report_child(const struct child *child)
{
	const struct client_record client = {
		.service = child->record->name,
		.chosen = RECORD_HOST | RECORD_PID,
		.peer = &child->peer,
		.unnamed = " any client",
		.pid = child->pid,
		.local = &child->local,
	};
	struct client_words words;

	client_words_init(&words, &client, "running");
	log_event(LOG_INFO, &words.fields, 0, "child %ld: service '%s', for%s, since %lld s%s",
		  (long)child->pid, child->record->name, words.who,
		  (long long)((clock_us() - child->started_us) / 1000000),
		  child->launch ? ", program not executed yet" : "");
}

static void report_front(const struct front *front)
{
	static const char *const states[] = {
		[FRONT_STARTING] = "starting",
		[FRONT_SERVING] = "serving",
		[FRONT_HALTING] = "about to stop accepting",
		[FRONT_HALTED] = "not accepting",
		[FRONT_DRAINING] = "finishing its sessions",
	};

	log_info("front %ld: %s, since %lld s", (long)front->pid, states[front->state],
		 (long long)((clock_ms() - front->started_ms) / 1000));
}

void report_state(const struct keeper *keeper)
{
	const struct settings *settings = keeper->generation->settings;

	log_info("state: %s; %zu children, %zu requests wait", report_status(keeper),
		 children_count(&keeper->children), requests_count_waiting(&keeper->requests));
	list_for_each(at, next, &keeper->fronts.list)
		report_front(container_of(at, struct front, link));
	for (size_t i = 0; i < settings->n_services; i++)
		report_service(keeper, &settings->services[i]);
	list_for_each(at, next, &keeper->children.list)
		report_child(container_of(at, struct child, link));
}
