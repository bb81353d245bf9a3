#include "keeper/member.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "channel/board.h"
#include "channel/pass-table.h"
#include "config/settings.h"
#include "keeper/child-log.h"
#include "keeper/crew-tell.h"
#include "keeper/crew.h"
#include "keeper/front-process.h"
#include "keeper/spawn.h"
#include "keeper/state.h"

/* A program that does not say when it is ready is given this long to come to its first client. */
#define FRESH_MS 100

DEFINE_AUTO(struct child, child_free);

void member_free(struct member *member)
{
	if (!member)
		return;
	timer_cancel(&member->limit);
	member_hang_up(member);
	list_unlink(&member->link);
	crew_unref(member->crew);
	free(member);
}

static bool has_place(const struct crew *crew, unsigned place)
{
	list_for_each(at, next, &crew->members)
		if (container_of(at, struct member, link)->place == place)
			return false;
	return true;
}

/* The one that has been free for longest: the fronts have heard of who was there before. */
static void take_place(struct member *member)
{
	struct crew *crew = member->crew;
	unsigned n = crew->table->n_places;

	while (!has_place(crew, crew->place % n))
		crew->place++;
	member->place = crew->place++ % n;
}

static struct member *member_new(struct crew *crew, struct child *child)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	list_init(&member->link);
	member->fd = -1;
	member->child = child;
	member->crew = crew_ref(crew);
	if (crew->table)
		take_place(member);
	return member;
}

static const char *notify_name(const struct crew *crew)
{
	return crew_service(crew)->crew.ready_notify ? crew->keeper->ready.name : NULL;
}

/* Runs the plan with what the program is to find on 0 and on 3 and above. */
static pid_t run(const struct crew *crew, struct spawn_descriptors *descriptors,
		 const struct address *local, struct spawn_failure *failure)
{
	const struct service *service = crew_service(crew);
	struct plan *plan = crew->generation->plans[crew->service];
	AUTO(auto_close) int null = -1;

	descriptors->out = crew->slot->stderr_write;
	if (service->program.stderr_to != STDERR_LOG)
		descriptors->out = null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (descriptors->out < 0) {
		*failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, errno };
		return -errno;
	}
	descriptors->err = descriptors->out;
	return spawn(plan_for_member(plan, service->endpoints[0].type, local, notify_name(crew)),
		     descriptors, failure);
}

/* As long as nobody uses them, that is: their mode is one for all who have them open. */
static void make_blocking(const struct crew *crew, const int *listeners, int n)
{
	if (list_is_linked(&crew->members))
		return;
	for (int i = 0; i < n; i++)
		(void)fd_set_blocking(listeners[i], true);
}

static pid_t run_with_listeners(struct crew *crew, struct spawn_failure *failure)
{
	const struct service *service = crew_service(crew);
	struct listener **listeners = &crew->generation->listeners[service->first_endpoint];
	AUTO(auto_free) int *fds = calloc(service->n_endpoints, sizeof(*fds));
	struct spawn_descriptors descriptors = { .others = fds,
						 .n_others = (int)service->n_endpoints };
	struct address local;

	if (!fds)
		return -ENOMEM;
	for (size_t i = 0; i < service->n_endpoints; i++)
		fds[i] = listeners[i]->fd;
	descriptors.in = fds[0];
	make_blocking(crew, fds, descriptors.n_others);
	(void)listener_address(listeners[0], &local);
	address_unmap(&local);
	return run(crew, &descriptors, &local, failure);
}

static pid_t run_with_socket(struct crew *crew, struct member *member,
			     struct spawn_failure *failure)
{
	const struct address nowhere = { 0 };
	AUTO(auto_close) int theirs = -1;
	struct spawn_descriptors descriptors;
	int pair[2], again;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		*failure = (struct spawn_failure){ SPAWN_DESCRIPTORS, errno };
		return -errno;
	}
	member->fd = pair[0];
	theirs = again = pair[1];
	(void)fd_set_blocking(member->fd, false);
	crew->keeper->kept++;
	descriptors = (struct spawn_descriptors){ .in = theirs, .others = &again, .n_others = 1 };
	return run(crew, &descriptors, &nowhere, failure);
}

/* Everything that the child's end needs, known before it starts. */
static void describe(struct child *child, const struct crew *crew)
{
	child->slot = crew->slot;
	child->records = crew_service(crew)->log_on_success;
	child->started_us = clock_us();
}

static int start_failed(struct crew *crew, const struct spawn_failure *failure)
{
	struct keeper *keeper = crew->keeper;

	if (spawn_may_retry(failure))
		return -failure->error;
	atomic_fetch_add(&keeper->board[crew->slot->number].failed, 1);
	log_not_started(keeper, crew->slot, crew_service(crew), &(struct address){ 0 }, failure);
	crew->asked = false;
	crew_note_quick_death(crew);
	return 0;
}

static void on_limit(struct timer *timer)
{
	struct member *member = container_of(timer, struct member, limit);
	struct crew *crew = member->crew;
	const struct service *service;
	int64_t limit_ms;

	if (member->late) {
		/* It has no client: nothing is lost with it. */
		kill(member->child->pid, SIGKILL);
		return;
	}
	service = crew_service(crew);
	limit_ms = service->crew.ready_timeout_ms;
	log_warning(0, "service '%s': '%s' (pid %ld) was not ready after %lld s; ending it",
		    service->name, service->program.argv[0], (long)member->child->pid,
		    (long long)limit_ms / 1000);
	member_end(member);
	member->late = true;
	(void)timer_set(timer, crew->keeper->timers, clock_ms() + limit_ms, on_limit);
	crew_settle(crew);
}

static void lose_freshness(struct member *member)
{
	member->crew->n_fresh -= member->fresh;
	member->fresh = false;
}

static void on_settled(struct timer *timer)
{
	struct member *member = container_of(timer, struct member, limit);

	lose_freshness(member);
	if (!member->crew->passes)
		crew_look_at(member->crew, member);
	crew_settle(member->crew);
}

static void become_ready(struct member *member)
{
	struct crew *crew = member->crew;
	int r;

	timer_cancel(&member->limit);
	member->state = MEMBER_READY;
	crew->n_starting--;
	crew->n_ready++;
	if (!crew->passes)
		return;
	r = crew_tell_member(member);
	if (r == 0) {
		member->was_ready = true;
		return;
	}
	log_warning(r, "service '%s': cannot hand over the socket of pid %ld, ending it",
		    crew->slot->name, (long)member->child->pid);
	member_end(member);
}

static void be_fresh(struct member *member)
{
	struct crew *crew = member->crew;

	become_ready(member);
	if (member->state == MEMBER_READY && timer_set(&member->limit, crew->keeper->timers,
						       clock_ms() + FRESH_MS, on_settled) == 0) {
		member->fresh = true;
		crew->n_fresh++;
	}
}

/* From here on it is one of the crew. */
static void enlist(struct member *member)
{
	struct crew *crew = member->crew;
	const struct crew_settings *settings = &crew_service(crew)->crew;

	list_add_before(&crew->members, &member->link);
	crew->n_starting++;
	crew->asked = false;
	crew->slot->live++;
	log_started(member->child);
	if (settings->ready_notify)
		(void)timer_set(&member->limit, crew->keeper->timers,
				clock_ms() + settings->ready_timeout_ms, on_limit);
	else
		be_fresh(member);
}

int member_start(struct crew *crew)
{
	AUTO(auto_child_free) struct child *child = child_new();
	struct spawn_failure failure = { SPAWN_PROCESS, ENOMEM };

	if (!child)
		return -ENOMEM;
	child->member = member_new(crew, child);
	if (!child->member)
		return -ENOMEM;
	describe(child, crew);
	child->pid = crew->passes ? run_with_socket(crew, child->member, &failure)
				  : run_with_listeners(crew, &failure);
	if (child->pid < 0)
		return start_failed(crew, &failure);

	if (children_add(&crew->keeper->children, child) < 0) {
		kill(child->pid, SIGTERM);
		return -ENOMEM;
	}
	enlist(take_ptr(child)->member);
	return 1;
}

void member_ready(struct member *member)
{
	if (member->state != MEMBER_STARTING)
		return;
	become_ready(member);
	crew_settle(member->crew);
}

void member_hang_up(struct member *member)
{
	if (member->fd >= 0)
		close(take_fd(member->fd));
}

void member_end(struct member *member)
{
	struct crew *crew = member->crew;

	if (member->state == MEMBER_ENDING)
		return;
	timer_cancel(&member->limit);
	lose_freshness(member);
	if (member->state == MEMBER_STARTING)
		crew->n_starting--;
	else
		crew->n_ready--;
	crew->n_ending++;
	member->state = MEMBER_ENDING;
	member_hang_up(member);
	kill(member->child->pid, SIGTERM);
}

static bool ended_at_once(const struct member *member, int64_t lived_us)
{
	if (member->state == MEMBER_ENDING)
		return member->late;
	return member->state == MEMBER_STARTING || lived_us < RESTARTS_QUICK_MS * 1000;
}

void member_ended(struct member *member, int status, int64_t lived_us)
{
	struct crew *crew = crew_ref(member->crew);
	bool quick = ended_at_once(member, lived_us);

	if (member->was_ready)
		crew_tell_gone(member, status);
	lose_freshness(member);
	switch (member->state) {
	case MEMBER_STARTING:
		crew->n_starting--;
		break;
	case MEMBER_READY:
		crew->n_ready--;
		break;
	case MEMBER_ENDING:
		crew->n_ending--;
		break;
	}
	crew->slot->live--;
	fronts_note_ended(crew->keeper, crew->slot);
	member_free(member);

	if (quick)
		crew_note_quick_death(crew);
	else if (lived_us >= RESTARTS_CALM_MS * 1000)
		restarts_calm(&crew->restarts);
	crew_settle(crew);
	crew_unref(crew);
}
