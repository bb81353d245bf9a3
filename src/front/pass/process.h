#pragma once

/*
 * One process of a service of dispatch `pass`: its socket and its clients.
 *
 * The clients stand in the row of the process in the table of the service, so that the next
 * front finds them there. The free entries of the row are known here too: the table is searched
 * once, when the process is activated. A process knows nothing of others. Its owner made it,
 * decides what it gets, and is told of changes.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "net/address.h"
#include "net/poller.h"

struct front_service;
struct pass_process;
struct pass_table;

/* An accepted client on its way to a process. */
struct pass_client {
	int fd;
	int type; /* of its endpoint */
	struct address peer;
	struct address local;
};

/* What the processes of a service have in common: their owner embeds it. */
struct pass_common {
	struct front_service *service;
	struct pass_table *table;
	/* Clients have ended, the socket takes more again, or it is closed. May free the process.
	 */
	void (*on_change)(struct pass_process *process);
};

struct pass_process {
	struct watch watch; /* owns the socket in it: -1 when it is closed */
	struct pass_common *common;
	unsigned index; /* of its row */
	pid_t pid;
	bool active; /* its clients are counted, and its answers read, here */
	bool warned;

	/* Its owner's. */
	struct list link;
	struct list load_link; /* while it may have one more client */
	int64_t idle_since_ms;
	bool leaving;               /* gets no more clients */
	bool dismissed;             /* leaving, and to be ended */
	struct list dismissed_link; /* until the keeper knows */

	unsigned n_free;
	uint32_t free_entries[];
};

/* Takes @fd (-1: closed from the start), also on failure: returns NULL when memory is short. */
struct pass_process *pass_process_new(struct pass_common *common, unsigned index, pid_t pid,
				      int fd);

/* Closes its socket. Its clients stay in the table. */
void pass_process_free(struct pass_process *process);

/*
 * Counts the clients that the table has for it, and reads its answers. Returns 0 or a negative
 * errno.
 */
int pass_process_activate(struct pass_process *process);

/* The reverse; the clients stay in the table. Leaves the lists of its owner alone. */
void pass_process_deactivate(struct pass_process *process);

/* Its end of the socket is closed, which comes before its own end. */
static inline bool pass_process_is_closed(const struct pass_process *process)
{
	return process->watch.fd < 0;
}

/* Whether it may be sent clients. */
bool pass_process_is_writable(const struct pass_process *process);

unsigned pass_process_clients(const struct pass_process *process);

/*
 * Sends the client, whose descriptor stays the caller's. Returns 0; -EAGAIN when the socket is
 * full, -EPIPE when it is closed: both end in a change; or another negative errno, which is not the
 * process's fault.
 */
int pass_process_send(struct pass_process *process, const struct pass_client *client);

/* Reads the last answers and ends all other clients: with @status, or NULL if there is none yet. */
void pass_process_end_clients(struct pass_process *process, const int *status);

/* Ends the clients in the row @index, whose process ended while no front was there to see it. */
void pass_process_end_orphans(const struct pass_common *common, unsigned index);
