#include "front/pass/load-ranks.h"

#include <errno.h>
#include <stdlib.h>

int load_load_ranks_init(struct load_ranks *load_ranks, unsigned n_seats)
{
	*load_ranks = (struct load_ranks){ .n_seats = n_seats, .least = n_seats };
	load_ranks->by_count = calloc(n_seats, sizeof(*load_ranks->by_count));
	if (!load_ranks->by_count)
		return -ENOMEM;
	for (unsigned i = 0; i < n_seats; i++)
		list_init(&load_ranks->by_count[i]);
	return 0;
}

void load_load_ranks_fini(struct load_ranks *load_ranks)
{
	free(load_ranks->by_count);
	load_ranks->by_count = NULL;
}

void load_load_ranks_put(struct load_ranks *load_ranks, struct list *link, unsigned count)
{
	list_unlink(link);
	if (count >= load_ranks->n_seats)
		return;
	list_add_before(load_ranks->by_count[count].next, link);
	if (count < load_ranks->least)
		load_ranks->least = count;
}

struct list *load_load_ranks_least(struct load_ranks *load_ranks)
{
	while (load_ranks->least < load_ranks->n_seats) {
		struct list *equals = &load_ranks->by_count[load_ranks->least];

		if (list_is_linked(equals))
			return equals->next;
		load_ranks->least++;
	}
	return NULL;
}

struct list *load_load_ranks_idlest(const struct load_ranks *load_ranks)
{
	const struct list *idle = &load_ranks->by_count[0];

	return list_is_linked(idle) ? idle->previous : NULL;
}
