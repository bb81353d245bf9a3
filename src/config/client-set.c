#include "config/client-set.h"

#include <stdlib.h>

#include "net/address.h"

static const struct id_member *find_id(const struct id_member *members, size_t n, uint32_t id)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (members[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && members[low].id == id ? &members[low] : NULL;
}

static const struct id_member *find_group(const struct client_set *set,
					  const struct credentials *credentials)
{
	const struct id_member *found = find_id(set->groups, set->n_groups, credentials->gid);

	for (size_t i = 0; !found && i < credentials->n_groups; i++)
		found = find_id(set->groups, set->n_groups, credentials->groups[i]);
	return found;
}

/* A user is more specific than a group. */
static bool find_account(const struct client_set *set, const struct credentials *credentials,
			 struct address_match *out)
{
	const struct id_member *found;

	if (!credentials->known)
		return false;
	found = find_id(set->users, set->n_users, credentials->uid);
	out->width = found ? 0 : 1;
	if (!found)
		found = find_group(set, credentials);
	if (found)
		out->place = found->place;
	return found;
}

bool client_list_find(const struct client_list *list, const struct address *peer,
		      const struct credentials *credentials, struct client_match *out)
{
	bool found = false;

	for (size_t i = 0; i < list->n_sets; i++) {
		const struct client_set *set = list->sets[i];
		struct address_match match;

		if (!address_set_find(set->addresses, peer, &match) &&
		    !find_account(set, credentials, &match))
			continue;
		if (found && match.width >= out->width)
			continue;
		found = true;
		*out = (struct client_match){ match.width, set, &set->places[match.place] };
	}
	return found;
}

bool client_list_has_ids(const struct client_list *list)
{
	for (size_t i = 0; i < list->n_sets; i++)
		if (list->sets[i]->n_users > 0 || list->sets[i]->n_groups > 0)
			return true;
	return false;
}

void client_set_fini(struct client_set *set)
{
	free(set->name);
	address_set_free(set->addresses);
	free(set->users);
	free(set->groups);
	free(set->places);
}
