#pragma once

/*
 * Addresses of host names, in memory that the rehearsal's child shares with the
 * keeper: the child looks them up, the keeper only reads. The child has read files
 * that may be hostile, so the reader believes nothing about what it finds.
 */

#include <stddef.h>

#include "net/endpoint.h"

/* Of one name; more are a mistake in a zone rather than a wish. */
#define NAMES_ADDRESSES_MAX 16

struct names;

int names_new(struct names **out);
void names_free(struct names *names);

/* Looks up the host of @text, unless it is there already, and keeps the answer. As
 * endpoint_lookup(). */
int names_add(struct names *names, const struct endpoint_text *text, struct address *out);

/* Writes the addresses kept for @text, at most NAMES_ADDRESSES_MAX, and returns how many; or
 * -ENOENT. */
int names_find(const struct names *names, const struct endpoint_text *text, struct address *out);
