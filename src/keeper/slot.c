#include "keeper/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "channel/board.h"

static void slot_free(struct slot *slot)
{
	if (!slot)
		return;
	if (slot->stderr_read >= 0)
		close(slot->stderr_read);
	if (slot->stderr_write >= 0)
		close(slot->stderr_write);
	free(slot->name);
	free(slot);
}

DEFINE_AUTO(struct slot, slot_free);

static int make_room(struct slots *slots)
{
	size_t room = slots->room ? slots->room * 2 : 64;
	struct slot **by_number;

	if (slots->n < slots->room)
		return 0;
	by_number = reallocarray(slots->by_number, room, sizeof(struct slot *));
	if (!by_number)
		return -ENOMEM;
	slots->by_number = by_number;
	slots->room = room;
	return 0;
}

/* A number that a forgotten service had is used again before a new one. */
static int find_number(struct slots *slots, unsigned *out)
{
	int r;

	if (HASH_CNT(hh, slots->by_name) < slots->n)
		for (size_t i = 0; i < slots->n; i++)
			if (!slots->by_number[i]) {
				*out = (unsigned)i;
				return 0;
			}
	if (slots->n == BOARD_SLOTS)
		return -ENOSPC;

	r = make_room(slots);
	if (r < 0)
		return r;
	*out = (unsigned)slots->n++;
	slots->by_number[*out] = NULL;
	return 0;
}

int slots_take(struct slots *slots, const char *name, struct slot **out)
{
	AUTO(auto_slot_free) struct slot *slot = NULL;
	int r;

	HASH_FIND_STR(slots->by_name, name, *out);
	if (*out)
		return 0;

	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->stderr_read = -1;
	slot->stderr_write = -1;
	slot->name = strdup(name);
	if (!slot->name)
		return -ENOMEM;
	r = find_number(slots, &slot->number);
	if (r < 0)
		return r;

	HASH_ADD_KEYPTR(hh, slots->by_name, slot->name, strlen(slot->name), slot);
	if (!slot->hh.tbl)
		return -ENOMEM;
	slots->by_number[slot->number] = slot;
	*out = take_ptr(slot);
	return 0;
}

void slots_sweep(struct slots *slots)
{
	struct slot *slot, *next;

	HASH_ITER(hh, slots->by_name, slot, next)
	{
		if (slot->generations > 0 || slot->live > 0 || slot->crews > 0 ||
		    slot->failures_unsaid > 0)
			continue;
		list_unlink(&slot->untold_link);
		HASH_DEL(slots->by_name, slot);
		slots->by_number[slot->number] = NULL;
		slot_free(slot);
	}
}

int slot_open_stderr(struct slot *slot)
{
	int pipe_ends[2];

	if (slot->stderr_read >= 0)
		return 0;
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return -errno;

	/* The front reads without waiting; programs write as they would to a terminal. */
	(void)fd_set_blocking(pipe_ends[0], false);
	slot->stderr_read = pipe_ends[0];
	slot->stderr_write = pipe_ends[1];
	return 0;
}

void slots_fini(struct slots *slots)
{
	struct slot *slot, *next;

	HASH_ITER(hh, slots->by_name, slot, next)
	{
		HASH_DEL(slots->by_name, slot);
		slot_free(slot);
	}
	free(slots->by_number);
}
