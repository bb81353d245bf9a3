#pragma once

/* The variables of a client in the arguments of a program: %{remote_addr} and the like. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Checks the variables in @text. None are right if @allowed is false, and only those that need no
 * client if @has_client is false. Returns 0, or -EINVAL with a message in @why.
 */
int template_check(const char *text, bool allowed, bool has_client, char *why, size_t size);
