#pragma once

/*
 * The present state of a service and its listeners, for every dispatch kind. A kind keeps its own
 * state behind the pointers `data`, which no other code uses.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/list.h"
#include "channel/stats.h"
#include "config/settings.h"
#include "front/core/admission.h"
#include "front/core/context.h"
#include "front/core/dispatch.h"
#include "net/listener.h"
#include "net/poller.h"
#include "net/timer.h"

struct front_service {
	const struct service *settings;
	const struct dispatch *dispatch;
	const struct context *context;
	struct front_listener *listeners; /* settings->n_endpoints of them */
	void *owner;                      /* what its kind has once for the front, or NULL */
	void *data;                       /* what its kind has for each service, or NULL */

	struct service_stats *stats;
	_Atomic uint32_t *sessions; /* of this front, in shared memory */
	unsigned stats_index;
	unsigned children; /* running, or asked for */

	struct list paused;       /* its listeners that wait until a client ends: see throttle.h */
	struct list waiting_link; /* see throttle_wait() */
	struct timer again;       /* looks again, where no message says when one more may come */

	int64_t datagram_said_ms;    /* when one that may not come was logged last, or 0 */
	uint64_t datagrams_unlogged; /* since then */
};

struct front_listener {
	struct watch watch;
	struct list link; /* in a list of paused ones, while it is not watched */
	struct front_service *service;
	struct listener *listener;
	void *data; /* what its kind has for each listener, or NULL */
	uint32_t number;
};

/* @service must be zeroed. @index is its index in the settings. The caller owns its listeners. */
void service_init(struct front_service *service, const struct context *context, size_t index);

/* What counts against `instances` now. */
struct admission_counters service_counters(const struct front_service *service);

/* The decision about one more client. */
enum admission service_admission(const struct front_service *service);

/* For a client that comes now. Returns false if the rate lets nobody come; for any thread. */
bool service_take_token(const struct front_service *service);

/* @change is 1 or -1. */
void service_count_sessions(const struct front_service *service, int change);

/* @n children have ended or were not started. The caller releases what waits for the service. */
void service_children_ended(struct front_service *service, unsigned n);

/*
 * For service_debug(): "3 of 20 instances are in use (programs 0, sessions 2, of older fronts 1)".
 * Valid until the next call.
 */
const char *service_use(const struct front_service *service);

/* For service_debug(): the address of the client, where the log may have it; or "a client". */
const char *service_client(const struct front_service *service, const struct address *peer);
