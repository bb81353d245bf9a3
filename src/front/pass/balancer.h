#pragma once

/*
 * The parts of dispatch `pass` that its files share: a pool of one service and its processes.
 * For the files of dispatch `pass` alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "front/pass/load-ranks.h"
#include "net/address.h"
#include "net/poller.h"
#include "net/timer.h"

struct front_service;
struct balancer;
struct pass_table_entry;
struct pass_table;

/* An accepted client on its way to a process. */
struct pass_client {
	int fd;
	int type; /* of its endpoint */
	struct address peer;
	struct address local;
};

struct pass_process {
	struct watch watch; /* owns the socket in it, until it is closed */
	struct list link;
	struct list rank; /* while it may have one more client */
	struct balancer *pool;
	unsigned process_index;
	pid_t pid;
	int64_t idle_since_ms;
	bool engaged;    /* its clients are counted here, and its answers read */
	bool leaving;    /* gets no more clients */
	bool closed;     /* its end of the socket is, which comes before its own end */
	bool dismissed;  /* leaving, and without clients: to be ended */
	bool unreported; /* and the keeper does not know it yet */
	bool reproached; /* for an answer that is none */
	unsigned n_free;
	uint32_t free_clients[];
};

/* Where clients of an endpoint arrive: asked once, where that is one address. */
struct pass_endpoint {
	bool known;
	bool is_any;
	struct address address;
};

struct balancer {
	struct front_service *service;
	struct pass_table *table;
	struct pass_process **by_index;
	struct list processes;
	struct load_ranks load_ranks;
	unsigned n_staying; /* processes that do not leave */
	bool may_grow;
	bool wants_growth; /* and could not say so */
	struct list unreported_link;
	struct pass_client kept; /* one that no socket took yet; its descriptor is -1 without */
	struct timer retry;
	struct timer surplus; /* looks for processes that nobody needs */
	struct pass_endpoint endpoints[];
};

/* pass-process.c */

/* Takes @fd, also on failure: returns NULL when memory is short. */
struct pass_process *pass_process_new(struct balancer *pool, unsigned process_index, pid_t pid,
				      int fd);

/* Closes its socket too. */
void pass_process_free(struct pass_process *process);

/*
 * Counts the clients that the table has for it, and listens to it. Returns 0 or a negative
 * errno.
 */
int pass_process_engage(struct pass_process *process);

/* The reverse; the clients stay in the table. */
void pass_process_disengage(struct pass_process *process);

unsigned pass_process_clients(const struct pass_process *process);

/*
 * Sends the client, whose descriptor stays the caller's. Returns 0; -EAGAIN when the socket is
 * full, -EPIPE when it is closed, either of which takes the process out of the ranks; or another
 * negative errno, which is not the process's fault.
 */
int pass_process_give(struct pass_process *process, const struct pass_client *client);

/* Reads its last answers, and ends all other clients: with @status, or NULL if it has none yet. */
void pass_process_bury(struct pass_process *process, const int *status);

/* pass-pool.c */

/* Returns NULL when memory is short. */
struct balancer *balancer_new(struct front_service *service, struct pass_table *table);

/* Frees the processes too, and loses a client that is kept. */
void balancer_free(struct balancer *pool);

/*
 * Adds a process, which is engaged unless the front is halted or @fd is -1: then it is closed
 * from the start. Takes @fd, also on failure: a negative errno.
 */
int balancer_add(struct balancer *pool, unsigned process_index, pid_t pid, int fd);

/* Its end of the socket is closed: it is ended, if it does not end in a moment. */
void balancer_watch_closed(struct pass_process *process);

/* Frees the process; its clients stay in the table. */
void balancer_forget(struct pass_process *process);

/* Empties the row of a process that is not there: it ended while no front was there to see it. */
void balancer_end_orphans(struct balancer *pool, unsigned process_index);

/* Gives it the place among the others that its clients and its state have earned. */
void balancer_rank(struct pass_process *process);

void balancer_leave(struct pass_process *process);

/* Nobody will take the client that is kept, if there is one. */
void balancer_lose_kept(struct balancer *pool);

/* Offers a client to one process after the other, and keeps it if none takes it. */
void balancer_offer(struct balancer *pool, const struct pass_client *client);

/* One more is one more and one less is -1; a client that is kept counts. */
void balancer_count(const struct balancer *pool, int change);

/* There may be room: serves who waits for it. */
void balancer_relieve(struct balancer *pool);

/* A process has had an answer: it may be idle now, or over. */
void balancer_settle(struct pass_process *process);

/* Asks the keeper for one more process, now or as soon as requests go through. */
void balancer_ask(struct balancer *pool);

/* Ends the process by way of the keeper. */
void balancer_dismiss(struct pass_process *process);

/* More were there than are needed, maybe. */
void balancer_watch_surplus(struct balancer *pool);
