/* The state in words: for the log at SIGUSR1, and for the service manager. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "channel/board.h"
#include "config/settings.h"
#include "keeper/crew.h"
#include "keeper/front-process.h"
#include "keeper/state.h"

const char *keeper_status(const struct keeper *keeper)
{
	static char text[160];
	const struct settings *settings = keeper->generation->settings;
	size_t unbound = house_count_unbound(&keeper->house);
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

static unsigned count_sessions(const struct keeper *keeper, unsigned slot)
{
	unsigned n = 0;

	list_for_each(at, next, &keeper->fronts)
		n += atomic_load(&container_of(at, struct front, link)->tally->sessions[slot]);
	return n;
}

static void report_listener(const struct housed *housed)
{
	char text[ADDRESS_TEXT_MAX];

	if (housed->listener->fd < 0)
		log_info("  %s: not bound: %s", housed->listener->endpoint.text,
			 strerror(-housed->error));
	else
		log_info("  %s: %s", listener_text(housed->listener, text),
			 housed->listener->busy ? "with its program" : "listening");
}

/* ", next start in 4 s", while there is a pause. */
static void describe_pause(char *out, size_t size, const struct crew *crew)
{
	int64_t now = clock_ms();

	out[0] = '\0';
	if (crew->again.place != 0 && crew->again.at_ms > now)
		snprintf(out, size, ", next start in %lld s",
			 (long long)(crew->again.at_ms - now + 999) / 1000);
}

static void report_crew(const struct service *service, const struct crew *crew)
{
	char pause[48], starting[32] = "", ending[32] = "";

	describe_pause(pause, sizeof(pause), crew);
	if (crew->n_starting > 0)
		snprintf(starting, sizeof(starting), ", %u starting", crew->n_starting);
	if (crew->n_ending > 0)
		snprintf(ending, sizeof(ending), ", %u ending", crew->n_ending);
	log_service(LOG_INFO, service->name, 0, "%s, %u of %u..%u processes ready%s%s%s",
		    crew->passes ? "pass" : "pool", crew->n_ready, service->crew.min,
		    service->crew.max, starting, ending, pause);
}

static void report_service(const struct keeper *keeper, const struct service *service)
{
	const struct generation *generation = keeper->generation;
	const struct slot *slot = generation->slots[service->index];
	struct board_slot *board = &keeper->board[slot->number];

	log_service(LOG_INFO, service->name, 0,
		    "%u programs and %u sessions now; %llu accepted, %llu refused, "
		    "%llu not started, %llu datagrams, %llu of them without answer, "
		    "%llu dropped by the kernel",
		    slot->live, count_sessions(keeper, slot->number),
		    (unsigned long long)atomic_load(&board->accepted),
		    (unsigned long long)atomic_load(&board->refused),
		    (unsigned long long)atomic_load(&board->failed),
		    (unsigned long long)atomic_load(&board->datagrams),
		    (unsigned long long)atomic_load(&board->dropped),
		    (unsigned long long)atomic_load(&board->overrun));
	if (generation->crews[service->index])
		report_crew(service, generation->crews[service->index]);
	for (size_t i = 0; i < service->n_endpoints; i++)
		report_listener(generation->housed[service->first_endpoint + i]);
}

static void report_child(const struct child *child)
{
	char peer[ADDRESS_TEXT_MAX] = "whoever comes";

	if (child->peer.length > 0)
		address_text(&child->peer, peer);
	log_info("child %ld: service '%s', for %s, since %lld s", (long)child->pid,
		 child->slot->name, peer, (long long)((clock_us() - child->started_us) / 1000000));
}

static void report_front(const struct front *front)
{
	static const char *const states[] = {
		[FRONT_STARTING] = "starting",
		[FRONT_SERVING] = "serving",
		[FRONT_HALTING] = "stopping to accept",
		[FRONT_HALTED] = "not accepting",
		[FRONT_DRAINING] = "finishing its sessions",
	};

	log_info("front %ld: %s, since %lld s", (long)front->pid, states[front->state],
		 (long long)((clock_ms() - front->started_ms) / 1000));
}

void report_state(struct keeper *keeper)
{
	const struct settings *settings = keeper->generation->settings;

	log_info("state: %s; %zu children, %zu requests wait", keeper_status(keeper),
		 children_count(&keeper->children), keeper->n_stalled);
	list_for_each(at, next, &keeper->fronts)
		report_front(container_of(at, struct front, link));
	for (size_t i = 0; i < settings->n_services; i++)
		report_service(keeper, &settings->services[i]);
	for (const struct child *at = keeper->children.by_pid; at; at = at->hh.next)
		report_child(at);
}
