#pragma once

/*
 * What the parts of the front share, as long as they do. front.c makes all of it and is the only
 * one that frees it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "channel/channel.h"
#include "channel/startup.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "front/core/context.h"
#include "front/core/service.h"
#include "front/core/throttle.h"
#include "front/core/uplink.h"
#include "front/datagram/reflection-guard.h"
#include "front/pass/pass.h"
#include "front/session/session.h"
#include "net/listener.h"
#include "net/poller.h"
#include "net/timer.h"

struct datagram_room;

struct front {
	struct context context;
	struct uplink uplink;
	struct throttle throttle;
	struct pass pass;

	const struct settings *settings;
	struct front_service *services;
	struct front_listener *listeners;
	struct workers *workers;
	struct sessions sessions;
	struct reflection_guard guard;
	struct list pending; /* services with datagrams that wait */
	struct list stderr_readers;
	struct datagram_room **rooms; /* of each worker, where there are shares */

	_Atomic(struct front_service *) drops; /* with drops to say; workers write this */
	struct watch drops_wake; /* owns an eventfd that tells when there is the first */

	struct list resend; /* what came without its descriptor */
	struct timer resend_timer;
	struct timer deaf; /* reads the channel again: memory was short */
	struct timer grace;

	int spare_memfd; /* empty, so that a datagram once received finds its place */
};
