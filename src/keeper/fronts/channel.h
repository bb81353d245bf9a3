#pragma once

/*
 * What the keeper and a front say to each other. A front may have been taken over: what
 * it says is checked, what it does not read is bounded, and one that says what no front
 * says is ended.
 */

#include <stdint.h>

#include "channel/channel.h"

struct front;
struct keeper;
struct service_record;
struct watch;

/* For the watch of a front's channel. May free the front. */
void front_on_channel(struct watch *watch);

/* Sends now or when there is room. Takes over @fd. */
void front_send(struct front *front, const struct channel_message *message, int fd);
void front_order(struct front *front, enum channel_type type);

/* As front_send(), with a descriptor that stays the caller's. */
void front_lend(struct front *front, const struct channel_message *message, int fd);

/* One of the sockets of @endpoint, and the log file. */
void front_lend_socket(struct front *front, uint32_t endpoint, uint32_t number);
void front_lend_log(struct front *front);

/* Forgets what was not sent. */
void front_drop_outgoing(struct front *front);

/* For a process that will be a front itself: closes what was not sent to this one. */
void front_abandon_outgoing(struct front *front);

/*
 * A child of @record is no more. The fronts are told once a turn of the loop, by
 * fronts_tell_ended(): under load one message stands for many children.
 */
void fronts_note_ended(struct keeper *keeper, struct service_record *record);
void fronts_tell_ended(struct keeper *keeper);

/* Reads the channels again, after a time in which no descriptor could be taken. */
void fronts_listen(struct keeper *keeper);
