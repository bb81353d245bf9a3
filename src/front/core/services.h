#pragma once

/* All services of a front, and their listeners. What differs per kind is asked of the kind. */

#include <stddef.h>
#include <stdint.h>

#include "front/core/service.h"

struct services;

/* A dispatch kind, and what its services have as their owner, or NULL. */
struct service_kind {
	const struct dispatch *dispatch;
	void *owner;
};

/*
 * A listener of any kind has been bound, or was before the front started. Returns 0 or a negative
 * errno, and then it is not served.
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
 * Makes the services that @context was started with, each with the one of @kinds that its
 * settings name. Returns 0 or a negative errno; services_fini() copes with what is there then.
 */
int services_init(struct services *services, const struct context *context,
		  const struct service_kind kinds[], services_bound_fn *on_bound);

/* Watches the listeners. Returns as above. */
int services_start(struct services *services);

/* No thread uses them any more. */
void services_fini(struct services *services);

/* Return NULL when the settings have no such service, or no such endpoint. */
struct front_service *services_find(const struct services *services, uint32_t index);
struct front_listener *services_find_listener(const struct services *services, uint32_t endpoint);

/*
 * The listener has one more socket: its own (@is_own), or a further one for the same datagrams.
 * Takes @fd, also on failure, which is logged.
 */
void services_add_socket(struct services *services, struct front_listener *listener, int fd,
			 bool is_own);

/* The mode has changed. To drain closes the listeners first. */
void services_halt(struct services *services);
void services_resume(struct services *services);
void services_drain(struct services *services, bool has_successor);

/* The clients that are left had their time. */
void services_end_clients(struct services *services);
