#pragma once

/*
 * A dispatch kind: how the clients of a service reach code. There is one const object per kind,
 * defined in the kind's file and listed in front.c, which chooses one for each service.
 *
 * NULL means that there is nothing to do, unless a line says otherwise. All functions are called
 * in the main thread.
 */

#include <stdbool.h>

#include "net/poller.h"

struct address;
struct channel_message;
struct front_listener;
struct front_service;

enum {
	/*
	 * Each client is a request to the keeper: the listeners wait while no request may be sent,
	 * and the children count against `instances`. Without it the sessions count.
	 */
	DISPATCH_ASKS_KEEPER = 1 << 0,
	/* A client needs a descriptor, so none is taken while descriptors are short. */
	DISPATCH_CONNECTION_TAKES_FD = 1 << 1,
	DISPATCH_DATAGRAM_TAKES_FD = 1 << 2,
	/* Connections are accepted non-blocking. */
	DISPATCH_NONBLOCKING = 1 << 3,
};

struct dispatch {
	unsigned flags;

	/*
	 * Make the data of a service and of a listener, the service first. Return 0, or a negative
	 * errno, and then the front does not start. The reverse frees the data, if there are any.
	 */
	int (*prepare_service)(struct front_service *service);
	int (*prepare)(struct front_listener *listener);
	void (*forget)(struct front_listener *listener);
	void (*forget_service)(struct front_service *service);

	/* The callbacks of a listener, for connections and for datagrams. NULL: never called. */
	watch_fn *on_connection;
	watch_fn *on_datagram;

	/* Whether there is a reason to watch the listener now. NULL: always. */
	bool (*is_wanted)(const struct front_listener *listener);

	/*
	 * Adds the socket @fd, which was bound after the front had started: the listener's own, of
	 * which there is none or close() was called for the one before, or
	 * a further one, which the kind then owns unless this fails. NULL: the own socket is
	 * watched, and others are refused.
	 */
	int (*add_socket)(struct front_listener *listener, int fd);

	/* For accept.c. Whether there is room for one more client. NULL: always. */
	bool (*has_room)(const struct front_listener *listener);
	/* There was no room, and a client waits. */
	void (*wait_for_room)(struct front_listener *listener);
	/* Serves the client. Takes over @fd. */
	void (*admitted)(struct front_listener *listener, int fd, const struct address *peer);

	/* A client has ended: serves clients that are not in the kernel's queue any more. */
	void (*slot_returned)(struct front_service *service);

	/* The request @message is lost. */
	void (*request_lost)(struct front_service *service, const struct channel_message *message,
			     int error);

	/* CHANNEL_RELEASED. NULL: the listener is watched again. */
	void (*released)(struct front_listener *listener, const struct channel_message *message);

	/*
	 * Other messages of the keeper about a service or a listener. Both take over @fd (or -1).
	 */
	void (*on_service_message)(struct front_service *service,
				   const struct channel_message *message, int fd);
	void (*on_listener_message)(struct front_listener *listener,
				    const struct channel_message *message, int fd);

	/* The mode has changed. drain() comes after the listeners were closed. */
	void (*halt)(struct front_service *service);
	void (*resume)(struct front_service *service);
	void (*close)(struct front_listener *listener);
	void (*drain)(struct front_service *service, bool has_successor);
	/* The grace time is over: ends the clients that are left. */
	void (*end_clients)(struct front_service *service);
};
