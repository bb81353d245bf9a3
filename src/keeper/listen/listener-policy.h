#pragma once

/* Applies the settings of a service to the sockets of a listener: options and number. */

#include <stdbool.h>

#include "net/listener.h"

struct service;

struct listener_policy {
	struct listener_options options;
	unsigned sockets;    /* that are to share the endpoint */
	bool reads_others;   /* superd reads sockets that are left from earlier settings, too */
	int rcvbuf_short_of; /* the size that was not granted, once that is logged */
	int sndbuf_short_of;
};

void listener_policy_set(struct listener_policy *policy, const struct service *service,
			 const struct endpoint *endpoint);

/*
 * Opens the missing sockets of @listener, which is bound, and warns about buffers for which the
 * kernel grants a smaller size. @service is for the log.
 */
void listener_policy_apply(struct listener_policy *policy, struct listener *listener,
			   const char *service);
