/* How a member is started: what it finds on its descriptors, and what becomes of a failure. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "channel/board.h"
#include "config/settings.h"
#include "keeper/child-log.h"
#include "keeper/crew.h"
#include "keeper/member.h"
#include "keeper/plan.h"
#include "keeper/spawn.h"
#include "keeper/state.h"

DEFINE_AUTO(struct child, child_free);

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

	if (service->program.stderr_to != STDERR_LOG)
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
	descriptors->out = service->program.stderr_to == STDERR_LOG ? crew->slot->stderr_write
								    : null;
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
	member_enlist(take_ptr(child)->member);
	return 1;
}
