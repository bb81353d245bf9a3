#pragma once

/*
 * What the parts of the front share: its services and listeners as they stand now.
 * front.c makes all of it and is the only one that frees it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "channel/startup.h"
#include "channel/stats.h"
#include "channel/channel.h"
#include "config/settings.h"
#include "front/datagram/reflection-guard.h"
#include "front/session/session.h"
#include "net/listener.h"
#include "net/poller.h"
#include "net/timer.h"

struct datagram_room;
struct front;
struct balancer;
struct pending;
struct reuseport_socket;
struct pool_state;
struct wait_state;

struct front_service {
	struct front *front;
	const struct service *settings;
	unsigned live;           /* children: born with, asked for and not yet ended */
	struct list parked;      /* its listeners that wait for a slot */
	struct timer older;      /* looks again whether sessions of elder fronts have ended */
	struct pending *pending; /* datagrams that wait for a slot, or NULL */
	struct list pending_link;
	struct balancer *pool; /* of dispatch `pass` alone */

	_Atomic bool drops_noted; /* is on the list, or what is new is said later anyway */
	struct front_service *next_drops;
	struct timer drops_timer;
	unsigned ready; /* of dispatch `pool` alone: children that accept */
	bool may_grow;  /* and whether CHANNEL_GROW may be sent */
};

struct front_listener {
	struct watch watch;
	struct list link; /* in a list of parked ones, while it is not watched */
	struct front_service *service;
	struct listener *listener;
	struct wait_state *wait; /* of dispatch `wait` alone */
	struct reuseport_socket
		*reuseport; /* of a datagram built-in with `workers`, instead of the watch */
	_Atomic uint32_t *counted_drops; /* of the watched socket: see struct drop_counts */
	struct pool_state *pool;         /* of dispatch `pool` alone */
	uint32_t number;
};

struct front {
	const struct startup *startup;
	const struct settings *settings;
	struct poller *poller;
	struct timers *timers;
	struct front_service *services;
	struct front_listener *listeners;
	struct workers *workers;
	struct sessions sessions;
	struct reflection_reflection_guard guard;
	struct list parked;  /* listeners that wait for the front as a whole */
	struct list pending; /* services with datagrams that wait */
	struct list stderr_readers;
	struct datagram_room **rooms; /* of each worker, where there are shares */

	_Atomic(struct front_service *) drops; /* with drops to say; workers write this */
	struct watch drops_wake; /* owns an eventfd that tells when there is the first */
	struct list unreported;  /* pools of which the keeper is to hear something */
	size_t n_processes;      /* of all pools, but those that are dismissed */

	struct watch channel;
	struct channel_message kept; /* a request that the channel did not take yet */
	int kept_fd;
	bool blocked; /* there is a kept request, or an owed answer */
	bool has_kept;
	struct list resend; /* what came without its descriptor */
	struct timer resend_timer;
	unsigned owed; /* answers to send when the channel takes them, as 1 << type */
	struct timer retry;
	struct timer deaf; /* reads the channel again: memory was short */

	bool halted;   /* takes no clients */
	bool held;     /* sends no requests: processes are short */
	bool draining; /* the listeners are closed */
	bool done;
	struct timer grace;

	bool starved;  /* descriptors or memory ran out: accepts nothing for a moment */
	bool starving; /* has been said, and is not over */
	int64_t starved_pause_ms;
	struct timer starved_timer;

	int spare_memfd; /* empty, so that a datagram once received finds its place */
};

/* Whether the keeper is asked to start a program for each client, and tells when it has ended. */
static inline bool front_is_program(const struct front_service *service)
{
	return service->settings->dispatch != DISPATCH_SESSION && !service->pool;
}

static inline struct service_stats *front_stats(const struct front_service *service)
{
	const struct startup *startup = service->front->startup;

	return &startup->stats[startup->stats_indices[service->settings->index]];
}
