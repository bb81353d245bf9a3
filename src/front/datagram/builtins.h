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

/* What the kind has once in a front: the owner of its services. Zeroed until then. */
struct builtins {
	struct workers *workers;
	struct sessions sessions;
	struct reuseport_readers readers;
	struct reflection_guard guard;
	struct queue_drops *drops;
};

extern const struct dispatch builtins_dispatch;

/* Starts the workers. Returns 0 or a negative errno; builtins_fini() copes with what is there. */
int builtins_init(struct builtins *builtins, const struct context *context,
		  struct queue_drops *drops);

/* Before the listeners and services of the kind are forgotten. Harmless when repeated. */
void builtins_stop(struct builtins *builtins);

/* After that. */
void builtins_fini(struct builtins *builtins);

/*
 * Tells the guard where a listener of any kind receives datagrams, once it is bound; ignores
 * others. Returns 0 or a negative errno.
 */
int builtins_guard(struct builtins *builtins, const struct listener *listener);
