#pragma once

/*
 * Slots: what the keeper remembers of a service by its name, over reloads. The
 * number of a slot is also the service's place on the board.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"

struct crew;

struct slot {
	char *name;
	unsigned number;
	size_t service;       /* where the newest generation that names it has it */
	unsigned live;        /* its programs that run or are about to be started */
	unsigned generations; /* that name it */
	unsigned untold;      /* ends that the fronts were not told of yet */
	struct list untold_link;
	int stderr_read; /* the pipe of `stderr = log`, or -1 */
	int stderr_write;
	int64_t failure_said_ms; /* when a failed start was last logged */
	unsigned failures_unsaid;
	struct crew *crew; /* that serves it now, or NULL */
	unsigned crews;    /* of it that there are, older ones included */
	UT_hash_handle hh;
};

struct slots {
	struct slot *by_name;
	struct slot **by_number;
	size_t n;
	size_t room;
};

/* Finds or makes the slot for @name. Returns 0, -ENOMEM, or -ENOSPC when the board is full. */
int slots_take(struct slots *slots, const char *name, struct slot **out);

/*
 * Forgets the slots that no generation names, that have no program running, and of which the log
 * has said all.
 */
void slots_sweep(struct slots *slots);

/* Opens the pipe of `stderr = log`, unless it is open. */
int slot_open_stderr(struct slot *slot);

void slots_fini(struct slots *slots);
