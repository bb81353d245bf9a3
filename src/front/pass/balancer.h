#pragma once

/*
 * The processes of one service of dispatch `pass`: which process gets the next client, when one
 * more is wanted, and which one nobody needs any more.
 *
 * One client may wait here: accepted, while no process could take it. All others wait in the
 * kernel's queue until balancer_has_room(). The keeper starts and ends processes: what it is to
 * know is put on a list here, and the owner of the lists tells it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/list.h"
#include "front/pass/load-ranks.h"
#include "front/pass/process.h"
#include "net/timer.h"

struct balancer;

/*
 * What all balancers of a front have in common. Its owner makes it, and takes from the lists what
 * the keeper has been told.
 */
struct balancer_group {
	void (*on_room)(struct balancer *balancer); /* listeners that wait may go on, perhaps */
	struct list dismissed;                      /* processes that the keeper is to end */
	struct list growing;                        /* balancers that need one more process */
	size_t n_processes;                         /* that are not dismissed */
};

struct balancer {
	struct pass_common common; /* what the processes know */
	struct balancer_group *group;
	struct pass_process **by_index;
	struct list processes;
	struct load_ranks ranks;
	unsigned n_staying; /* processes that do not leave */

	bool may_grow; /* one more process may be asked for */
	struct list growing_link;

	struct pass_client waiting_client; /* its descriptor is -1 without */
	struct timer retry;
	struct timer idle; /* looks for processes that nobody needs */
};

/* Neither @service nor @table becomes its own. Returns NULL when memory is short. */
struct balancer *balancer_new(struct balancer_group *group, struct front_service *service,
			      struct pass_table *table);

/* Frees the processes too, and loses a client that waits. */
void balancer_free(struct balancer *balancer);

/*
 * Adds a process, which is active unless the front is halted or @fd is -1: then it is closed from
 * the start, and ended after a moment. Takes @fd, also on failure. Returns 0, -EBADMSG when the
 * index is not free, or another negative errno.
 */
int balancer_add(struct balancer *balancer, unsigned process_index, pid_t pid, int fd);

/* Returns NULL for an index that is too high or free. */
struct pass_process *balancer_find(const struct balancer *balancer, unsigned process_index);

/* It has ended, with @status as wait(2) gives it. Frees it. */
void balancer_on_gone(struct pass_process *process, int status);

/* It gets no more clients. */
void balancer_leave(struct pass_process *process);

/*
 * Ends what a free row still has: its process ended while no front was there to see it. A halted
 * front leaves the row alone.
 */
void balancer_end_orphans(const struct balancer *balancer, unsigned process_index);

/* There may be more room than before: serves the clients that wait. */
void balancer_update(struct balancer *balancer);

/* Whether a client can be given to a process now. */
bool balancer_has_room(struct balancer *balancer);

/* A client waits that there is no room for: asks for one more process, if there may be one. */
void balancer_grow(struct balancer *balancer);

/*
 * Gives the client to the least loaded process, or lets it wait. Takes its descriptor. Only while
 * balancer_has_room().
 */
void balancer_give(struct balancer *balancer, const struct pass_client *client);

/*
 * For the front that is halted: processes that stay are left alone, and their clients are not
 * counted here any more, because another front has both. A front that resumes takes all
 * processes back, also those that were to leave.
 */
void balancer_halt(struct balancer *balancer);
void balancer_resume(struct balancer *balancer);

/*
 * For the front that drains. Processes that leave are dismissed after their last client. The
 * others belong to the successor, and are forgotten here; without a successor they leave, too.
 */
void balancer_drain(struct balancer *balancer, bool has_successor);

/* The clients that are left had their time: the keeper ends their programs. */
void balancer_end_clients(struct balancer *balancer);
