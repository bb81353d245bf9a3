#include "front/pass/load-ranks.h"

#include <errno.h>
#include <stdlib.h>

int load_ranks_init(struct load_ranks *ranks, unsigned load_max)
{
	*ranks = (struct load_ranks){ .load_max = load_max, .least = load_max };
	ranks->by_load = calloc(load_max, sizeof(*ranks->by_load));
	if (!ranks->by_load)
		return -ENOMEM;
	for (unsigned i = 0; i < load_max; i++)
		list_init(&ranks->by_load[i]);
	return 0;
}

void load_ranks_fini(struct load_ranks *ranks)
{
	free(ranks->by_load);
	ranks->by_load = NULL;
}

void load_ranks_put(struct load_ranks *ranks, struct list *link, unsigned load)
{
	list_unlink(link);
	if (load >= ranks->load_max)
		return;
	list_add_before(ranks->by_load[load].next, link);
	if (load < ranks->least)
		ranks->least = load;
}

struct list *load_ranks_least(struct load_ranks *ranks)
{
	while (ranks->least < ranks->load_max) {
		struct list *equals = &ranks->by_load[ranks->least];

		if (list_is_linked(equals))
			return equals->next;
		ranks->least++;
	}
	return NULL;
}

struct list *load_ranks_idlest(const struct load_ranks *ranks)
{
	const struct list *idle = &ranks->by_load[0];

	return list_is_linked(idle) ? idle->previous : NULL;
}
