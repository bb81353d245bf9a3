/* The birth of a front: what it is born with, and what it must not have. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "channel/birth.h"
#include "channel/board.h"
#include "keeper/crew-tell.h"
#include "keeper/front-channel.h"
#include "keeper/front-process.h"
#include "keeper/leftover.h"
#include "keeper/state.h"

DEFINE_AUTO(struct front, front_free);

static unsigned *count_children(const struct generation *generation)
{
	unsigned *children = calloc(generation->n_slots + 1, sizeof(*children));

	for (size_t i = 0; children && i < generation->n_slots; i++)
		children[i] = generation->slots[i]->live;
	return children;
}

static struct tally **find_elders(struct keeper *keeper, size_t *out_n)
{
	struct tally **elders;
	size_t n = 0;

	list_for_each(at, next, &keeper->fronts)
		n++;
	elders = calloc(n + 1, sizeof(*elders));
	n = 0;
	if (elders)
		list_for_each(at, next, &keeper->fronts)
			elders[n++] = container_of(at, struct front, link)->tally;
	*out_n = n;
	return elders;
}

/* Also those of services that are gone: their programs may run on. */
static struct birth_stderr *find_stderr_pipes(const struct slots *slots, size_t *out_n)
{
	struct birth_stderr *pipes = calloc(HASH_COUNT(slots->by_name) + 1, sizeof(*pipes));
	size_t n = 0;

	for (const struct slot *at = slots->by_name; pipes && at; at = at->hh.next)
		if (at->stderr_read >= 0)
			pipes[n++] = (struct birth_stderr){ at->name, at->stderr_read };
	*out_n = n;
	return pipes;
}

/* Everything of the keeper's that a front must not have, for it faces the network. */
static int be_front(struct keeper *keeper, const struct generation *generation, struct birth *birth)
{
	list_for_each(at, next, &keeper->fronts)
		front_abandon(container_of(at, struct front, link));
	keeper_abandon(keeper, generation);
	return keeper->options->front_main(birth);
}

static struct front *front_new(struct keeper *keeper, struct generation *generation)
{
	struct front *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	list_init(&front->link);
	list_init(&front->outgoing);
	front->keeper = keeper;
	front->channel = -1;
	front->generation = generation_ref(generation);
	front->tally = tally_new();
	front->started_ms = clock_ms();
	return front;
}

/* What is counted and listed for one birth alone. */
struct tables {
	unsigned *children;
	struct tally **elders;
	struct birth_crew *crews;
	struct birth_member *members;
	struct birth_stderr *pipes;
};

static void tables_fini(struct tables *tables)
{
	free(tables->children);
	free(tables->elders);
	free(tables->crews);
	free(tables->members);
	free(tables->pipes);
}

static int fill_in(struct birth *birth, struct tables *tables, struct keeper *keeper,
		   const struct generation *generation)
{
	int r;

	/* What it is born with counts these ends already. */
	fronts_tell_ended(keeper);
	tables->children = count_children(generation);
	tables->elders = find_elders(keeper, &birth->n_elders);
	tables->pipes = find_stderr_pipes(&keeper->slots, &birth->n_stderr_pipes);
	if (!tables->children || !tables->elders || !tables->pipes)
		return -ENOMEM;
	r = crews_birth(keeper, generation, &tables->crews, &tables->members, &birth->n_members);
	if (r < 0)
		return r;

	birth->children = tables->children;
	birth->elders = tables->elders;
	birth->stderr_pipes = tables->pipes;
	birth->crews = tables->crews;
	birth->members = tables->members;
	return 0;
}

/* Returns 0 or a negative errno; in the new process it does not return. */
static int give_birth(struct front *front, struct birth *birth)
{
	AUTO(auto_close) int theirs = -1;
	int r;

	r = channel_pair(&front->channel, &theirs);
	if (r < 0)
		return r;
	birth->channel = theirs;
	r = watch_add(&front->watch, front->keeper->poller, front->channel, WATCH_READ,
		      front_on_channel);
	if (r < 0)
		return r;

	front->pid = fork();
	if (front->pid < 0)
		return -errno;
	if (front->pid == 0) {
		close(front->channel);
		_exit(be_front(front->keeper, front->generation, birth));
	}
	return 0;
}

int front_start(struct keeper *keeper, struct generation *generation, struct front **out)
{
	AUTO(auto_front_free) struct front *front = front_new(keeper, generation);
	AUTO(tables_fini) struct tables tables = { 0 };
	struct birth birth = {
		.settings = generation->settings,
		.listeners = generation->listeners,
		.slots = generation->slot_numbers,
		.board = keeper->board,
		.drops = keeper->drops,
		.hold = keeper->holding,
	};
	int r;

	if (!front || !front->tally)
		return -ENOMEM;
	birth.tally = front->tally;
	r = fill_in(&birth, &tables, keeper, generation);
	if (r == 0)
		r = give_birth(front, &birth);
	if (r < 0)
		return r;

	list_add_before(&keeper->fronts, &front->link);
	*out = take_ptr(front);
	leftovers_pass(keeper);
	return 0;
}
