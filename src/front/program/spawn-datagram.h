#pragma once

/*
 * Programs for datagrams: each datagram goes to the keeper as a sealed file in memory,
 * with the sender's address and the one of ours that it was sent to.
 */

struct channel_message;
struct front;
struct front_listener;
struct front_service;
struct watch;

/* For the watch of a listener with datagrams for a program. */
void datagram_spawn_on_ready(struct watch *watch);

/* CHANNEL_UNREAD: serves what is left unread on the socket @fd, and closes it. */
void datagram_spawn_unread(struct front_listener *listener, const struct channel_message *message,
			   int fd);

/* Serves datagrams that waited for a slot, as far as there are slots. */
void datagram_spawn_pending(struct front_service *service);

/* Drops all that still wait, with a line that says so, and all else of this kind. */
void datagram_spawn_abandon(struct front *front);
