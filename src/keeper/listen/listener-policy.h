#pragma once

/*
 * Applies the settings of a service to the sockets of a listener: their options, their number, and
 * the count of dropped datagrams. For listener-table.c only.
 */

struct endpoint;
struct bound_listener;
struct service;

void bound_listener_set_options(struct bound_listener *bound, const struct service *service,
				const struct endpoint *endpoint);

/* Called once, after the listener was bound. */
void bound_listener_set_up(struct bound_listener *bound);

/* Opens missing sockets, and warns about buffers for which the kernel grants a smaller size. */
void bound_listener_complete(struct bound_listener *bound);
