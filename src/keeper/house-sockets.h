#pragma once

/*
 * What the settings of a service ask of the sockets of a listener: their options, their number,
 * and that drops of datagrams are counted from their first one on. For house.c alone.
 */

struct endpoint;
struct housed;
struct service;

void housed_set_options(struct housed *housed, const struct service *service,
			const struct endpoint *endpoint);

/* After it was bound. */
void housed_set_up(struct housed *housed);

/* Opens the sockets that are missing, and says which sizes of buffers were not granted. */
void housed_complete(struct housed *housed);
