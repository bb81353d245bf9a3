#pragma once

/*
 * A crew: the children that a service of dispatch `pool` or `pass` has beforehand. The
 * keeper keeps `min` of them alive, starts one more up to `max` when the front asks for it,
 * and ends what is surplus in a pool; that of `pass` is ended when the front says which.
 *
 * Over a reload a service that has not changed keeps its crew: the next generation names
 * the same one. Else the new crew starts when the new front serves, so that a reload that
 * fails has changed nothing. The old one is then
 *   - of a pool whose listeners stay: ended by TERM once `min` of the new one are ready;
 *     until then, be it for ever, it goes on serving. So a program that does not come up
 *     takes no service down, and for that time both together may be more than `max`;
 *   - of another pool: ended by TERM at once, for its listeners are gone;
 *   - of `pass`: told to leave before the old front stops, which ends each child once that
 *     has no client left; where no front knows it, the end of its socket says so.
 *
 * A program that ends within a second, or before it is ready, is started again after a
 * growing pause. Where only processes, descriptors or memory are short it is tried again
 * until they are not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "keeper/restarts.h"
#include "net/timer.h"

struct channel_message;
struct front;
struct generation;
struct keeper;
struct member;
struct pass_table;
struct service;
struct slot;

enum crew_state {
	CREW_NEW,      /* its generation does not serve yet, or never will */
	CREW_OPEN,     /* its service is served by it */
	CREW_OUTLIVED, /* of a pool: another one is to take over and is not ready yet */
	CREW_CLOSED,   /* its children end */
};

struct crew {
	struct list link; /* in keeper->crews */
	struct keeper *keeper;
	struct slot *slot;
	enum crew_state state;
	unsigned references;
	const struct generation *generation; /* while it is open: the one that serves */
	size_t service;                      /* there */
	bool passes;                         /* of dispatch `pass` */

	struct list members;
	unsigned n_starting;
	unsigned n_ready;
	unsigned n_fresh; /* of the ready ones: started a moment ago, and not said to be ready */
	unsigned n_ending;
	struct pass_table *table; /* of `pass`, or NULL */
	unsigned place;           /* where to look for a free one next */

	struct restarts restarts;
	int64_t shortage_ms; /* the pause while processes are short; 0: they are not */
	bool asked;          /* the front wants one more */
	unsigned told_ready; /* what the fronts know */
	bool told_may_grow;
	struct timer again; /* no start before this */
	unsigned least;     /* descriptors that one of them was ever seen with; 0: not yet */
	struct timer look;  /* for idle ones, while there are more than min */
};

/*
 * Gives @generation the crews of its services: those there are, where they suit, and new
 * ones without children. Returns 0 or a negative errno.
 */
int crews_take(struct keeper *keeper, struct generation *generation);

/* @crew may be NULL. It is gone when nobody names it and its last child was reaped. */
struct crew *crew_ref(struct crew *crew);
void crew_unref(struct crew *crew);

/* keeper->generation serves from now on: its crews start, others leave. */
void crews_follow(struct keeper *keeper);

/* After every change: starts what is missing, ends what it replaces, tells the fronts. */
void crew_settle(struct crew *crew);

/* A program of it ended at once, or could not be started. */
void crew_note_quick_death(struct crew *crew);

/* Ends older crews of the same service, which went on until now. */
void crew_relieve_others(const struct crew *crew);

/* Whether one more may be started on demand. */
bool crew_may_grow(const struct crew *crew);

/* While it is open. */
const struct service *crew_service(const struct crew *crew);

/*
 * CHANNEL_GROW and CHANNEL_DISMISS of @front. Returns 0, or -EBADMSG for what no honest front
 * sends.
 */
int crews_handle(struct keeper *keeper, const struct front *front,
		 const struct channel_message *message);

/* The keeper stops: pools end now, other children when the fronts say so. */
void crews_stop(struct keeper *keeper);

/* The keeper ends: so does every child that is left. */
void crews_end(struct keeper *keeper);

/* A front was forgotten: children that it alone knew of have nobody to end them. */
void crews_lost_front(struct keeper *keeper);

/* A listener is bound that was not. */
void crews_on_bound(struct keeper *keeper);

/* Learns what @member holds while it has, perhaps, no client. */
void crew_look_at(struct crew *crew, struct member *member);

/* The timer for idle children runs while there are more than min. */
void crew_watch_idle(struct crew *crew);
