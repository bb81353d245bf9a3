#pragma once

/*
 * Who may be named in a list of clients: addresses of IPv4 and IPv6, and users and groups, as which
 * clients of Unix sockets run. A named set is one, and so is what a list says besides names of
 * sets. They never change after the load.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/address-set.h"

struct address;

/* As whom the client of a Unix socket runs, as the kernel says it. */
struct credentials {
	bool known; /* false for other clients, and where the kernel does not say it */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* besides */
	size_t n_groups;
};

/* Where a member stands. */
struct member_place {
	const char *file;
	int line;
};

struct id_member {
	uint32_t id;
	uint32_t place;
};

struct client_set {
	char *name; /* NULL: what stands in a list itself */
	struct address_set *addresses;
	struct id_member *users; /* in the order of their ids */
	size_t n_users;
	struct id_member *groups;
	size_t n_groups;
	struct member_place *places;
};

/* A list of a service, such as only_from. */
struct client_list {
	bool is_set; /* the option is there; the list may be empty all the same */
	const struct client_set **sets;
	size_t n_sets;
};

/* The member that names a client best. */
struct client_match {
	address_number width; /* less is more specific; 0 for a user, 1 for a group */
	const struct client_set *set;
	const struct member_place *place;
};

/* Whether a member of the list is the client. Of equal ones the first one is taken. */
bool client_list_find(const struct client_list *list, const struct address *peer,
		      const struct credentials *credentials, struct client_match *out);

/* Whether the list names users or groups. */
bool client_list_has_ids(const struct client_list *list);

void client_set_fini(struct client_set *set);
