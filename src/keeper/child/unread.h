#pragma once

/*
 * What a sender wrote while its program ran is on the program's socket, and is served next: a
 * front reads it. While none takes requests, in a reload or after a crash, it waits here.
 */

struct child;
struct keeper;

/* Lets a front read now what waits on the socket of @child, if one can. */
void unread_pass(struct keeper *keeper, const struct child *child);

/*
 * @child has ended, or was not started: what its sender writes from now on goes to the listener, so
 * that none of it comes between the last look at the socket and its end. To be called some time
 * before unread_end(): what is on its way to the socket just now arrives there. Nothing is
 * changed while others of the program's session live; what one that left the session writes is
 * lost.
 */
void unread_turn_away(const struct child *child);

/* @child has ended, or was not started: the same, now or as soon as one can. Frees it. */
void unread_end(struct keeper *keeper, struct child *child);

/* A front can read again. */
void unread_pass_all(struct keeper *keeper);

/* Frees, with a line that says so, what no front will know: its service or listener is gone. */
void unread_sweep(struct keeper *keeper);

/* For a process that will be a front itself: closes what waits. */
void unread_abandon(struct keeper *keeper);

/* Frees what waits, with a line that says so. */
void unread_end_all(struct keeper *keeper);
