#pragma once

/*
 * The processes of one service of dispatch `pass`: which process gets the next client, when one
 * more process is wanted, and which process is not needed any more.
 *
 * One client may wait here, if it was accepted and then no process could take it. All others wait
 * in the kernel's queue until balancer_has_room(). The keeper starts and ends processes. Requests
 * to it are put on the lists of the group, and the owner of the group sends them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/list.h"
#include "front/pass/load-ranks.h"
#include "front/pass/process.h"
#include "net/timer.h"

struct balancer;

/* What all balancers of a front share. Its owner empties the lists as it tells the keeper. */
struct balancer_group {
	void (*on_room)(struct balancer *balancer); /* listeners that wait may perhaps go on */
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
	struct timer idle; /* looks for processes that are not needed */
};

/* The caller keeps @service and @table. Returns NULL when memory is short. */
struct balancer *balancer_new(struct balancer_group *group, struct front_service *service,
			      struct pass_table *table);

/* Frees the processes too, and loses a client that waits. */
void balancer_free(struct balancer *balancer);

/*
 * Adds a process, which becomes active unless the front is halted. With an @fd of -1 the process is
 * closed from the start, and ended after a moment. Takes over @fd, also on failure. Returns 0,
 * -EBADMSG when the index is not free, or another negative errno.
 */
int balancer_add(struct balancer *balancer, unsigned process_index, pid_t pid, int fd);

/* Returns NULL for an index that is too high or free. */
struct pass_process *balancer_find(const struct balancer *balancer, unsigned process_index);

/* Frees a process that has ended, with the @status of wait(2). */
void balancer_on_gone(struct pass_process *process, int status);

/* Gives the process no more clients. */
void balancer_leave(struct pass_process *process);

/*
 * Ends the clients that a free row still has, because their process ended while no front ran. A
 * halted front leaves the row alone.
 */
void balancer_end_orphans(const struct balancer *balancer, unsigned process_index);

/* There may be more room than before: serves the clients that wait. */
void balancer_update(struct balancer *balancer);

/* Whether a client can be given to a process now. */
bool balancer_has_room(struct balancer *balancer);

/* A client waits, and no process has room: asks for one more process, if one may be started. */
void balancer_grow(struct balancer *balancer);

/*
 * Gives the client to the process with the fewest clients, or lets it wait. Takes over its
 * descriptor. Only to be called while balancer_has_room().
 */
void balancer_give(struct balancer *balancer, const struct pass_client *client);

/*
 * The front is halted: it neither reads from the processes that stay nor counts their clients,
 * because another front does. A front that resumes takes all processes back, also those that were
 * to leave.
 */
void balancer_halt(struct balancer *balancer);
void balancer_resume(struct balancer *balancer);

/*
 * The front drains: it dismisses a process that leaves after its last client. The others belong to
 * the successor, and are forgotten here. Without a successor they leave too.
 */
void balancer_drain(struct balancer *balancer, bool has_successor);

/* The grace time is over: ends the clients that are left. The keeper ends their processes. */
void balancer_end_clients(struct balancer *balancer);
