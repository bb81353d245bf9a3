#pragma once

/* For which listener a socket is that another process has made and passed to superd. */

#include <stdbool.h>

struct endpoint;
struct listener;

/* Describes @fd, which was passed to superd. Returns a negative errno if superd cannot use it. */
int listener_describe(int fd, struct endpoint *out);

/*
 * Whether @fd, which was passed to superd, has the type of this endpoint, with any address. For one
 * of a pair its family must be the same, too.
 */
bool listener_may_adopt(const struct listener *listener, int fd);

/*
 * Whether @fd is bound to this endpoint. For the IPv6 one of a pair, @fd may be for both families.
 */
bool listener_matches(const struct listener *listener, int fd);
