#pragma once

/*
 * Addresses of host names, in memory that the rehearsal's child shares with the
 * keeper: the child looks them up, the keeper only reads. The child has read files
 * that may be hostile, so the reader believes nothing about what it finds.
 */

#include <stddef.h>

#include "net/endpoint.h"

/* Of one name; more are an error in a zone rather than a wish. */
#define RESOLVED_ADDRESSES_MAX 16

struct resolved_hosts;

int resolved_hosts_new(struct resolved_hosts **out);
void resolved_hosts_free(struct resolved_hosts *hosts);

/* Looks up the host of @text, unless it is there already, and keeps the answer. As
 * endpoint_lookup(). */
int resolved_hosts_add(struct resolved_hosts *hosts, const struct endpoint_text *text,
		       struct address *out);

/* Writes the addresses kept for @text, at most RESOLVED_ADDRESSES_MAX, and returns how many; or
 * -ENOENT. */
int resolved_hosts_find(const struct resolved_hosts *hosts, const struct endpoint_text *text,
			struct address *out);
