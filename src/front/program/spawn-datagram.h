#pragma once

/*
 * Programs for datagrams. Each datagram goes to the keeper as a sealed file in memory, with the
 * address of its sender and the address that it was sent to.
 */

struct channel_message;
struct front;
struct front_listener;
struct front_service;
struct watch;

/* The callback of a listener with datagrams for a program. */
void datagram_spawn_on_ready(struct watch *watch);

/* CHANNEL_UNREAD: serves the datagrams that are left on the socket @fd, and closes it. */
void datagram_spawn_unread(struct front_listener *listener, const struct channel_message *message,
			   int fd);

/* Serves as many waiting datagrams as `instances` allows now. */
void datagram_spawn_pending(struct front_service *service);

/* Drops and logs the datagrams that still wait, and frees everything else. */
void datagram_spawn_abandon(struct front *front);
