#pragma once

/*
 * What the settings of a service ask of the sockets of a listener: their options, their number,
 * and that drops of datagrams are counted from their first one on. For listener table.c alone.
 */

struct endpoint;
struct bound_listener;
struct service;

void bound_listener_set_options(struct bound_listener *bound, const struct service *service,
				const struct endpoint *endpoint);

/* After it was bound. */
void bound_listener_set_up(struct bound_listener *bound);

/* Opens the sockets that are missing, and says which sizes of buffers were not granted. */
void bound_listener_complete(struct bound_listener *bound);
