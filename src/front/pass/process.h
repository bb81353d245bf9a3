#pragma once

/*
 * One process of a service of dispatch `pass`: its socket and its clients.
 *
 * The clients are in the table of the service, in the row of the process, where the next front
 * finds them. The row is searched once, when the process is activated; from then on the free
 * entries are known. The owner decides which clients a process gets, and is told of changes. For
 * the main thread.
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

/* What the processes of a service share. Their owner embeds it. */
struct pass_common {
	struct front_service *service;
	struct pass_table *table;
	/* Clients have ended, or the socket has room again, or it is closed. */
	void (*on_change)(struct pass_process *process);
};

struct pass_process {
	struct watch watch; /* owns its descriptor: -1 once the socket is closed */
	struct pass_common *common;
	unsigned index; /* of its row */
	pid_t pid;
	bool active; /* this front counts its clients and reads its answers */
	bool warned; /* an invalid answer was logged */

	/* For its owner. */
	struct list link;
	struct list load_link; /* while it may have one more client */
	int64_t idle_since_ms;
	bool leaving;               /* gets no more clients */
	bool dismissed;             /* leaving, and to be ended */
	struct list dismissed_link; /* until the keeper is told */

	unsigned n_free;
	uint32_t free_entries[];
};

/* Takes over @fd (-1: closed from the start), also on failure, which is NULL: memory is short. */
struct pass_process *pass_process_new(struct pass_common *common, unsigned index, pid_t pid,
				      int fd);

/* Closes its socket. Its clients stay in the table. */
void pass_process_free(struct pass_process *process);

/* Counts the clients in the table, and begins to read answers. Returns 0 or a negative errno. */
int pass_process_activate(struct pass_process *process);

/* The reverse. The clients stay in the table, and the process in the lists of its owner. */
void pass_process_deactivate(struct pass_process *process);

/* Whether the program has closed its end of the socket. It usually ends soon. */
static inline bool pass_process_is_closed(const struct pass_process *process)
{
	return process->watch.fd < 0;
}

/* Whether it may be sent clients. */
bool pass_process_is_writable(const struct pass_process *process);

unsigned pass_process_clients(const struct pass_process *process);

/*
 * Sends the client. The caller keeps its descriptor. Returns 0; -EAGAIN when the socket is full or
 * -EPIPE when it is closed, and on_change() is called later; or another negative errno, which any
 * other process would have now as well.
 */
int pass_process_send(struct pass_process *process, const struct pass_client *client);

/* Reads the last answers and ends all other clients. @status is NULL if the process still runs. */
void pass_process_end_clients(struct pass_process *process, const int *status);

/* Ends the clients in row @index, whose process ended while no front ran. */
void pass_process_end_orphans(const struct pass_common *common, unsigned index);
