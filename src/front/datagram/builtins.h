#pragma once

/*
 * The dispatch kind of built-ins: a connection becomes a session, and datagrams are answered
 * where they are received, in the main thread or in workers that share them.
 */

#include "front/datagram/reflection-guard.h"
#include "front/datagram/reuseport.h"
#include "front/session/sessions.h"

struct context;
struct dispatch;
struct listener;
struct queue_drops;

/* The owner of the services of this kind, one for each front. Zeroed before builtins_init(). */
struct builtins {
	struct workers *workers;
	struct sessions sessions;
	struct reuseport_readers readers;
	struct reflection_guard guard;
	struct queue_drops *drops;
};

extern const struct dispatch builtins_dispatch;

/* Starts the workers. Returns 0 or a negative errno. Call builtins_fini() in both cases. */
int builtins_init(struct builtins *builtins, const struct context *context,
		  struct queue_drops *drops);

/* Called before the listeners and services of the kind are forgotten. May be called again. */
void builtins_stop(struct builtins *builtins);

/* Called after that. */
void builtins_fini(struct builtins *builtins);

/*
 * Tells the guard the address of a bound listener of any kind that receives datagrams. Ignores
 * other listeners. Returns 0 or a negative errno.
 */
int builtins_guard(struct builtins *builtins, const struct listener *listener);
