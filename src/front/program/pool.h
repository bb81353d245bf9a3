#pragma once

/*
 * Dispatch `pool`: the children accept themselves, and the front only watches for
 * demand: for clients that nobody takes. It asks the keeper for one more process then.
 *
 * A listener is watched only while the keeper would start one: not while as many run as
 * may, nor after quick deaths, nor while as many have yet to become ready as are ready. So
 * a pool of a fixed size costs the front nothing, however many clients it has. How a client
 * who is about to be taken is told from one who is not: see pool-demand.h. After a request
 * the front looks no more until the keeper has answered with CHANNEL_POOL.
 */

#include <stdbool.h>

struct channel_message;
struct front_listener;
struct front_service;
struct watch;

/* Allocates what a listener of dispatch `pool` needs. Returns 0 or -ENOMEM. */
int pool_prepare(struct front_listener *listener);

/* Frees it; harmless on other listeners. */
void pool_forget(struct front_listener *listener);

/* Whether there is a reason to watch the listener now; true for those of other dispatch. */
bool pool_is_watched(const struct front_listener *listener);

/* For the watch of such a listener. */
void pool_on_ready(struct watch *watch);

/* CHANNEL_POOL of such a service. */
void pool_obey(struct front_service *service, const struct channel_message *message);
