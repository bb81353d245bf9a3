/* A crew of dispatch `pass`: which member gets a client, and which one is not needed any more. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/pass-table.h"
#include "front/client-log.h"
#include "front/gate.h"
#include "front/orders.h"
#include "front/pass-crew.h"
#include "front/pass.h"
#include "front/state.h"

#define RETRY_MS 5
#define CLOSED_MS 1000 /* what has closed its socket is about to end, mostly */

struct pass_crew *pass_crew_new(struct front_service *service, struct pass_table *table)
{
	struct pass_crew *crew;

	crew = calloc(1,
		      sizeof(*crew) + service->settings->n_endpoints * sizeof(crew->endpoints[0]));
	if (!crew)
		return NULL;

	crew->service = service;
	crew->table = table;
	crew->kept.fd = -1;
	list_init(&crew->members);
	crew->by_place = calloc(table->n_places, sizeof(struct pass_member *));
	if (!crew->by_place || pass_ranks_init(&crew->ranks, table->n_seats) < 0) {
		pass_crew_free(crew);
		return NULL;
	}
	return crew;
}

void pass_crew_lose_kept(struct pass_crew *crew)
{
	const struct front_service *service = crew->service;

	if (crew->kept.fd < 0)
		return;
	close(take_fd(crew->kept.fd));
	pass_crew_count(crew, -1);
	atomic_fetch_add_explicit(&front_board(service)->failed, 1, memory_order_relaxed);
	log_lost(service->settings, &crew->kept.peer, 0, "no program took it");
}

void pass_crew_free(struct pass_crew *crew)
{
	if (!crew)
		return;

	pass_crew_lose_kept(crew);
	timer_cancel(&crew->retry);
	timer_cancel(&crew->surplus);
	list_unlink(&crew->unsaid_link);
	list_for_each(at, following, &crew->members)
		pass_member_free(container_of(at, struct pass_member, link));
	free(crew->by_place);
	pass_ranks_fini(&crew->ranks);
	free(crew);
}

void pass_crew_count(const struct pass_crew *crew, int change)
{
	const struct birth *birth = crew->service->front->birth;
	unsigned slot = birth->slots[crew->service->settings->index];

	atomic_fetch_add_explicit(&birth->tally->sessions[slot], (uint32_t)change,
				  memory_order_relaxed);
}

void pass_crew_forget(struct pass_member *member)
{
	struct pass_crew *crew = member->crew;

	crew->by_place[member->place] = NULL;
	if (!member->leaving)
		crew->n_staying--;
	pass_member_free(member);
}

int pass_crew_add(struct pass_crew *crew, unsigned place, pid_t pid, int fd)
{
	struct pass_member *member;
	int r;

	if (place >= crew->table->n_places || crew->by_place[place]) {
		if (fd >= 0)
			close(fd);
		return -EBADMSG;
	}
	member = pass_member_new(crew, place, pid, fd);
	if (!member)
		return -ENOMEM;
	crew->by_place[place] = member;
	list_add_before(&crew->members, &member->link);
	crew->n_staying++;
	member->closed = fd < 0;
	if (crew->service->front->halted || member->closed)
		return 0;
	r = pass_member_engage(member);
	if (r < 0)
		pass_crew_forget(member);
	return r;
}

/* Without a member: it ended while no front was there to see it. */
void pass_crew_end_orphans(struct pass_crew *crew, unsigned place)
{
	const struct front_service *service = crew->service;

	for (unsigned i = 0; i < crew->table->n_seats; i++) {
		struct pass_seat *seat = pass_table_seat(crew->table, place, i);

		if (!atomic_load_explicit(&seat->taken, memory_order_relaxed))
			continue;
		atomic_store_explicit(&seat->taken, false, memory_order_relaxed);
		atomic_fetch_add_explicit(&front_board(service)->ended, 1, memory_order_relaxed);
		log_pass_ended(service->settings, &seat->peer, 0, clock_us() - seat->started_us,
			       NULL);
	}
}

static bool takes_clients(const struct pass_member *member)
{
	return member->engaged && !member->leaving && !member->closed &&
	       !(member->watch.wanted & WATCH_WRITE);
}

void pass_crew_rank(struct pass_member *member)
{
	if (takes_clients(member))
		pass_ranks_put(&member->crew->ranks, &member->rank, pass_member_clients(member));
	else
		list_unlink(&member->rank);
}

void pass_crew_leave(struct pass_member *member)
{
	if (member->leaving)
		return;
	member->leaving = true;
	member->crew->n_staying--;
	list_unlink(&member->rank);
}

static void offer_again(struct timer *timer)
{
	pass_crew_relieve(container_of(timer, struct pass_crew, retry));
}

void pass_crew_offer(struct pass_crew *crew, const struct pass_client *client)
{
	struct list *least;

	while ((least = pass_ranks_least(&crew->ranks))) {
		int r = pass_member_give(container_of(least, struct pass_member, rank), client);

		if (r == 0) {
			close(client->fd);
			crew->kept.fd = -1;
			return;
		}
		if (r != -EAGAIN && r != -EPIPE) {
			/* Memory is short, or too many descriptors are on the way. */
			(void)timer_set(&crew->retry, crew->service->front->timers,
					clock_ms() + RETRY_MS, offer_again);
			break;
		}
	}
	crew->kept = *client;
}

void pass_crew_relieve(struct pass_crew *crew)
{
	if (crew->service->front->halted)
		return;
	if (crew->kept.fd >= 0 && pass_ranks_least(&crew->ranks)) {
		struct pass_client client = crew->kept;

		pass_crew_offer(crew, &client);
	}
	if (pass_has_room(crew->service) || crew->may_grow)
		gate_release_service(crew->service);
}

void pass_crew_dismiss(struct pass_member *member)
{
	struct pass_crew *crew = member->crew;

	pass_crew_leave(member);
	if (!member->dismissed)
		crew->service->front->n_members--;
	member->dismissed = true;
	member->unsaid = true;
	if (!list_is_linked(&crew->unsaid_link))
		list_add_before(&crew->service->front->unsaid, &crew->unsaid_link);
	pass_flush(crew->service->front);
}

static void dismiss_closed(struct pass_crew *crew)
{
	list_for_each(at, following, &crew->members) {
		struct pass_member *member = container_of(at, struct pass_member, link);

		if (!member->closed || member->dismissed ||
		    (member->engaged && pass_member_clients(member) > 0))
			continue;
		log_service(LOG_WARNING, crew->service->settings->name, 0,
			    "its program (pid %ld) has no socket; ending it", (long)member->pid);
		pass_crew_dismiss(member);
	}
}

static void end_surplus(struct timer *timer)
{
	struct pass_crew *crew = container_of(timer, struct pass_crew, surplus);
	const struct crew_settings *settings = &crew->service->settings->crew;
	struct list *idlest;

	if (crew->service->front->halted)
		return;
	dismiss_closed(crew);
	while (crew->n_staying > settings->min && (idlest = pass_ranks_idlest(&crew->ranks))) {
		struct pass_member *member = container_of(idlest, struct pass_member, rank);

		if (member->idle_since_ms + settings->idle_exit_ms > clock_ms())
			break;
		pass_crew_dismiss(member);
	}
	pass_crew_watch_surplus(crew);
}

void pass_crew_watch_surplus(struct pass_crew *crew)
{
	const struct crew_settings *settings = &crew->service->settings->crew;
	const struct list *idlest;

	if (crew->surplus.place || crew->n_staying <= settings->min)
		return;
	idlest = pass_ranks_idlest(&crew->ranks);
	if (idlest)
		(void)timer_set(&crew->surplus, crew->service->front->timers,
				container_of(idlest, struct pass_member, rank)->idle_since_ms +
					settings->idle_exit_ms,
				end_surplus);
}

/* Nobody can be sent to it any more, but it may well be about to end. */
void pass_crew_watch_closed(struct pass_member *member)
{
	struct pass_crew *crew = member->crew;
	int64_t at_ms = clock_ms() + CLOSED_MS;

	if (!crew->surplus.place || crew->surplus.at_ms > at_ms)
		(void)timer_set(&crew->surplus, crew->service->front->timers, at_ms, end_surplus);
}

void pass_crew_settle(struct pass_member *member)
{
	struct pass_crew *crew = member->crew;
	struct front *front = crew->service->front;
	bool idle = pass_member_clients(member) == 0;

	if (idle)
		member->idle_since_ms = clock_ms();
	if (member->closed && !member->leaving)
		pass_crew_watch_closed(member);
	pass_crew_rank(member);
	if (idle && member->leaving && front->draining && !member->dismissed)
		pass_crew_dismiss(member);
	else if (idle)
		pass_crew_watch_surplus(crew);
	pass_crew_relieve(crew);
	orders_end_if_over(front);
}
