#pragma once

/*
 * A set of addresses: single ones, prefixes and ranges, IPv4 and IPv6. An address is found in the
 * smallest of those that contain it, so a prefix inside another one is the more specific.
 *
 * The ranges are cut into pieces that do not overlap, in the order of their addresses. To find an
 * address is a binary search: with 100,000 prefixes it takes a dozen steps more than with ten. A
 * set never changes, so any number of threads may search it.
 *
 * ::ffff:a.b.c.d is a.b.c.d. So ::ffff:10.0.0.0/104 is 10.0.0.0/8, and ::/0 has no IPv4 address.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct address_set;

typedef unsigned __int128 address_number;

struct address_range {
	address_number first, last;
	bool is_ipv6;
	uint32_t place; /* of the caller's: comes back from address_set_find() */
};

struct address_match {
	address_number width; /* how many addresses the range has, less one */
	uint32_t place;
};

/* Room for what address_range_parse() says. */
#define ADDRESS_RANGE_HINT_MAX 128

/*
 * Reads "192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9", and the same of IPv6. Returns true, or
 * false with the reason in @out_why, as in "... is no address: REASON".
 */
bool address_range_parse(const char *text, struct address_range *out,
			 char out_why[static ADDRESS_RANGE_HINT_MAX]);

/* Returns 0 or -ENOMEM. Of equal ranges the first one counts. Sorts @ranges. */
int address_set_new(struct address_set **out, struct address_range *ranges, size_t n);
void address_set_free(struct address_set *set);

/* Whether the set has the address; never true for an address of Unix. */
bool address_set_find(const struct address_set *set, const struct address *address,
		      struct address_match *out);
