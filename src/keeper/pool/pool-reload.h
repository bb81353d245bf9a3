#pragma once

/*
 * Pools over reloads: which stay, which begin and which leave.
 *
 * A service that has not changed keeps its pool: the next generation names the same one. Else
 * the new pool starts when the new front serves, so that a reload that fails has changed nothing.
 * The old one is then
 *   - of `pool`, if the listeners stay: ended by TERM once `min` of the new one are ready; until
 *     then, be it for ever, it goes on serving. So a program that does not come up takes no service
 *     down, and for that time both together may be more than `max`;
 *   - of `pool` otherwise: ended by TERM at once, for its listeners are gone;
 *   - of `pass`: told to leave before the old front stops, which ends each process once it
 *     has no client left; where no front knows the process, the end of its socket says so.
 */

struct front;
struct generation;
struct pool;
struct pools;

/*
 * Gives @generation the pools of its services: those there are, where they suit, and new
 * ones without processes. Returns 0 or a negative errno.
 */
int pools_take(struct pools *pools, struct generation *generation);

/* @generation serves from now on: its pools start, others leave. */
void pools_follow(struct pools *pools, const struct generation *generation);

/* Tells @front that the processes that have no part in @next are to leave. */
void pools_tell_leave(struct pools *pools, struct front *front, const struct generation *next);

/* They stay after all: the front was told to go on. */
void pools_take_back_leave(struct pools *pools);

/* The pool of `pass` is closed: its processes end when the last front lets go of them. */
void pool_let_go(struct pool *pool);
