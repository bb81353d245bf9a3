#pragma once

/* The variables of a client in the arguments of a program: %{remote_addr} and the like. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether @text holds only variables that are known, and none where @allowed is
 * false; without @has_client, only those that need no client. Returns 0, or -EINVAL
 * with a sentence in @why.
 */
int template_check(const char *text, bool allowed, bool has_client, char *why, size_t size);
