#include "front/pass-ranks.h"

#include <errno.h>
#include <stdlib.h>

int pass_ranks_init(struct pass_ranks *ranks, unsigned n_seats)
{
	*ranks = (struct pass_ranks){ .n_seats = n_seats, .least = n_seats };
	ranks->by_count = calloc(n_seats, sizeof(*ranks->by_count));
	if (!ranks->by_count)
		return -ENOMEM;
	for (unsigned i = 0; i < n_seats; i++)
		list_init(&ranks->by_count[i]);
	return 0;
}

void pass_ranks_fini(struct pass_ranks *ranks)
{
	free(ranks->by_count);
	ranks->by_count = NULL;
}

void pass_ranks_put(struct pass_ranks *ranks, struct list *link, unsigned count)
{
	list_unlink(link);
	if (count >= ranks->n_seats)
		return;
	list_add_before(ranks->by_count[count].next, link);
	if (count < ranks->least)
		ranks->least = count;
}

struct list *pass_ranks_least(struct pass_ranks *ranks)
{
	while (ranks->least < ranks->n_seats) {
		struct list *equals = &ranks->by_count[ranks->least];

		if (list_is_linked(equals))
			return equals->next;
		ranks->least++;
	}
	return NULL;
}

struct list *pass_ranks_idlest(const struct pass_ranks *ranks)
{
	const struct list *idle = &ranks->by_count[0];

	return list_is_linked(idle) ? idle->previous : NULL;
}
