#pragma once

/*
 * Addresses of host names, in memory that the child of the rehearsal shares with the keeper. The
 * child looks them up, and the keeper only reads. The files that the child has parsed may be
 * hostile, so the keeper checks all that it reads here.
 */

#include <stddef.h>

#include "net/endpoint.h"

/* For one name. More are probably an error in its zone. */
#define RESOLVED_ADDRESSES_MAX 16

struct resolved_hosts;

int resolved_hosts_new(struct resolved_hosts **out);
void resolved_hosts_free(struct resolved_hosts *hosts);

/* Processes that are forked from now on do not have the memory. A front could change it. */
void resolved_hosts_hide(struct resolved_hosts *hosts);

/* Looks up the host of @text unless it is known, and keeps it. Returns as endpoint_lookup(). */
int resolved_hosts_add(struct resolved_hosts *hosts, const struct endpoint_text *text,
		       struct address *out);

/* Writes the addresses of @text, at most RESOLVED_ADDRESSES_MAX. Returns how many, or -ENOENT. */
int resolved_hosts_find(const struct resolved_hosts *hosts, const struct endpoint_text *text,
			struct address *out);
