#pragma once

/*
 * What is probably meant by an entry of only_from, no_access or a set that is not understood: a
 * netmask, a pattern, an address with a port, as hosts.allow, nginx and xinetd have them.
 */

#include <stdbool.h>
#include <stddef.h>

#define ENTRY_HINT_MAX 128

/* "write '10.0.0.0/8'". Returns false if nothing is known. */
bool entry_hint(const char *text, char *out, size_t size);

/*
 * For an IPv4 address that ends in zeros, which xinetd takes for a network: writes that network,
 * such as "10.0.0.0/8". Returns false for another address.
 */
bool entry_network(const char *text, char *out, size_t size);
