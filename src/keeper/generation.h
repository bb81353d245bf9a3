#pragma once

/*
 * A generation is settings at work: with their listeners, plans and slots. A
 * reload makes the next one whole before anything of the present one is touched.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "keeper/house.h"
#include "keeper/slot.h"

struct crew;
struct plan;
struct settings;

struct generation {
	unsigned references;
	struct settings *settings;
	struct housed **housed;      /* by endpoint number */
	struct listener **listeners; /* the same, as a front is born with them */
	struct plan **plans;         /* by service; NULL for built-ins */
	struct slot **slots;         /* by service */
	unsigned *slot_numbers;      /* the same, as numbers */
	struct crew **crews; /* by service; NULL where children are not started beforehand */
	size_t n_housed;
	size_t n_slots;
};

/*
 * Opens what is missing and prepares every program. Takes over the reference to
 * @settings, on failure too. Failures are logged; nothing is left of them but new
 * listeners that house_sweep() closes.
 */
int generation_new(struct generation **out, struct settings *settings, struct house *house,
		   struct slots *slots, const struct rlimit *descriptors);

struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation);

/* Lets settings change what they can on the listeners that were there before. */
void generation_apply(struct generation *generation);

/* After that, when a front serves it (or the generation before goes on: not @applied). */
void generation_settle(struct generation *generation, bool applied);

/* The service of @slot in this generation, or -1. */
int64_t generation_service(const struct generation *generation, const struct slot *slot);

/* The number of @housed among the endpoints of @service, or -1. */
int64_t generation_endpoint(const struct generation *generation, size_t service,
			    const struct housed *housed);

/* The same, whichever service has it now; @slot had it, and most likely still has. */
int64_t generation_find(const struct generation *generation, const struct slot *slot,
			const struct housed *housed);
