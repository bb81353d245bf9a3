#pragma once

/* All services of a front, and their listeners. Each dispatch kind does what is special to it. */

#include <stddef.h>
#include <stdint.h>

#include "front/core/service.h"

struct services;

/* A dispatch kind, and the owner of its services, or NULL. */
struct service_kind {
	const struct dispatch *dispatch;
	void *owner;
};

/*
 * A listener is bound, now or since before the front started. Returns 0, or a negative errno if it
 * must not be served.
 */
typedef int services_bound_fn(struct services *services, const struct listener *listener);

struct services {
	struct front_service *services;
	struct front_listener *listeners;
	size_t n_services;
	size_t n_listeners;
	services_bound_fn *on_bound;
};

/*
 * Makes the services of the settings in @context, each with the one of @kinds that its settings
 * name. Returns 0 or a negative errno. services_fini() is to be called in both cases.
 */
int services_init(struct services *services, const struct context *context,
		  const struct service_kind kinds[], services_bound_fn *on_bound);

/* Watches the listeners. Returns 0 or a negative errno. */
int services_start(struct services *services);

/* Called when no thread uses the services any more. */
void services_fini(struct services *services);

/* Return NULL when the settings have no such service, or no such endpoint. */
struct front_service *services_find(const struct services *services, uint32_t index);
struct front_listener *services_find_listener(const struct services *services, uint32_t endpoint);

/*
 * Adds a socket to the listener: its own (@is_own), which replaces all that it has, or a further
 * one for the same datagrams. Takes over @fd, also on failure, which is logged.
 */
void services_add_socket(struct services *services, struct front_listener *listener, int fd,
			 bool is_own);

/* The mode of the front has changed. services_drain() closes the listeners first. */
void services_halt(struct services *services);
void services_resume(struct services *services);
void services_drain(struct services *services, bool has_successor);

/* The grace time is over: ends the clients that are left. */
void services_end_clients(struct services *services);
