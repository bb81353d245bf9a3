#pragma once

/*
 * The parts of dispatch `pass` that its files share: a crew of one service and its members.
 * For the files of dispatch `pass` alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "front/pass-ranks.h"
#include "net/address.h"
#include "net/poller.h"
#include "net/timer.h"

struct front_service;
struct pass_crew;
struct pass_seat;
struct pass_table;

/* An accepted client on its way to a member. */
struct pass_client {
	int fd;
	int type; /* of its endpoint */
	struct address peer;
	struct address local;
};

struct pass_member {
	struct watch watch; /* owns the socket in it, until it is closed */
	struct list link;
	struct list rank; /* while it may have one more client */
	struct pass_crew *crew;
	unsigned place;
	pid_t pid;
	int64_t idle_since_ms;
	bool engaged;    /* its clients are counted here, and its answers read */
	bool leaving;    /* gets no more clients */
	bool closed;     /* its end of the socket is, which comes before its own end */
	bool dismissed;  /* leaving, and without clients: to be ended */
	bool unsaid;     /* and the keeper does not know it yet */
	bool reproached; /* for an answer that is none */
	unsigned n_free;
	uint32_t free_seats[];
};

/* Where clients of an endpoint arrive: asked once, where that is one address. */
struct pass_endpoint {
	bool known;
	bool is_any;
	struct address address;
};

struct pass_crew {
	struct front_service *service;
	struct pass_table *table;
	struct pass_member **by_place;
	struct list members;
	struct pass_ranks ranks;
	unsigned n_staying; /* members that do not leave */
	bool may_grow;
	bool wants_growth; /* and could not say so */
	struct list unsaid_link;
	struct pass_client kept; /* one that no socket took yet; its descriptor is -1 without */
	struct timer retry;
	struct timer surplus; /* looks for members that nobody needs */
	struct pass_endpoint endpoints[];
};

/* pass-member.c */

/* Takes @fd, also on failure: returns NULL when memory is short. */
struct pass_member *pass_member_new(struct pass_crew *crew, unsigned place, pid_t pid, int fd);

/* Closes its socket too. */
void pass_member_free(struct pass_member *member);

/*
 * Counts the clients that the table has for it, and listens to it. Returns 0 or a negative
 * errno.
 */
int pass_member_engage(struct pass_member *member);

/* The reverse; the clients stay in the table. */
void pass_member_disengage(struct pass_member *member);

unsigned pass_member_clients(const struct pass_member *member);

/*
 * Sends the client, whose descriptor stays the caller's. Returns 0; -EAGAIN when the socket is
 * full, -EPIPE when it is closed, either of which takes the member out of the ranks; or another
 * negative errno, which is not the member's fault.
 */
int pass_member_give(struct pass_member *member, const struct pass_client *client);

/* Reads its last answers, and ends all other clients: with @status, or NULL if it has none yet. */
void pass_member_bury(struct pass_member *member, const int *status);

/* pass-crew.c */

/* Returns NULL when memory is short. */
struct pass_crew *pass_crew_new(struct front_service *service, struct pass_table *table);

/* Frees the members too, and loses a client that is kept. */
void pass_crew_free(struct pass_crew *crew);

/*
 * Adds a member, which is engaged unless the front is halted or @fd is -1: then it is closed
 * from the start. Takes @fd, also on failure: a negative errno.
 */
int pass_crew_add(struct pass_crew *crew, unsigned place, pid_t pid, int fd);

/* Its end of the socket is closed: it is ended, if it does not end in a moment. */
void pass_crew_watch_closed(struct pass_member *member);

/* Frees the member; its clients stay in the table. */
void pass_crew_forget(struct pass_member *member);

/* Empties a place without a member, which ended while no front was there to see it. */
void pass_crew_end_orphans(struct pass_crew *crew, unsigned place);

/* Gives it the place among the others that its clients and its state have earned. */
void pass_crew_rank(struct pass_member *member);

void pass_crew_leave(struct pass_member *member);

/* Nobody will take the client that is kept, if there is one. */
void pass_crew_lose_kept(struct pass_crew *crew);

/* Offers a client to one member after the other, and keeps it if none takes it. */
void pass_crew_offer(struct pass_crew *crew, const struct pass_client *client);

/* One more is one more and one less is -1; a client that is kept counts. */
void pass_crew_count(const struct pass_crew *crew, int change);

/* There may be room: serves who waits for it. */
void pass_crew_relieve(struct pass_crew *crew);

/* A member has had an answer: it may be idle now, or over. */
void pass_crew_settle(struct pass_member *member);

/* Asks the keeper for one more member, now or as soon as requests go through. */
void pass_crew_ask(struct pass_crew *crew);

/* Ends the member by way of the keeper. */
void pass_crew_dismiss(struct pass_member *member);

/* More were there than are needed, maybe. */
void pass_crew_watch_surplus(struct pass_crew *crew);
