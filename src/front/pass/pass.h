#pragma once

/*
 * Dispatch `pass`: clients are accepted here and given to programs that already run, the
 * processes of the service's pool, over a socket each. The keeper starts and reaps processes;
 * who sits where is written to the pool's table, which the next front reads.
 */

#include <stdbool.h>

struct channel_message;
struct front;
struct dispatch;
struct front_service;

extern const struct dispatch pass_dispatch;

/*
 * Makes the pools that the front was born with and counts their clients. Returns 0 or a
 * negative errno; pass_stop() copes with what is there then, and frees it.
 */
int pass_start(struct front *front);
void pass_stop(struct front *front);

/* Whether a process can have one more client now. */
bool pass_has_room(const struct front_service *service);

/*
 * CHANNEL_POOL of such a service, CHANNEL_PROCESS, _PROCESS_GONE and _LEAVE. Takes @fd (or -1). A
 * process without a socket is of no use, and is ended after a moment.
 */
void pass_obey(struct front *front, const struct channel_message *message, int fd);

/*
 * From the halt on, processes that stay are not listened to, and their clients are not this
 * front's: another front has both. Resuming takes them back, leaving processes included.
 */
void pass_halt(struct front *front);
void pass_resume(struct front *front);

/*
 * Processes that leave are dismissed after their last client. The others are let go if the front
 * @has_successor, whose they are then, and leave if not.
 */
void pass_drain(struct front *front, bool has_successor);

/* The clients that are left had their time: the keeper ends their programs. */
void pass_end_all(struct front *front);

/* Whether nothing keeps a draining front. */
bool pass_is_over(const struct front *front);

/* Says what could not be said: requests go through again. */
void pass_flush(struct front *front);
