#pragma once

/*
 * Who has claimed which endpoint, to find two that could not both be bound. The cost
 * of a claim does not depend on how many there are.
 */

#include "config/mistakes.h"
#include "net/endpoint.h"

struct claims;

struct claim {
	const struct endpoint *endpoint; /* all of these must outlive the claims */
	const char *text;                /* that named it, as it was written */
	const char *service;
	struct place at;
};

int claims_new(struct claims **out);
void claims_free(struct claims *claims);

/*
 * Returns 0; -EADDRINUSE and the one who has it already in @out_owner; or -ENOMEM.
 * A port that the system chooses is never taken.
 */
int claims_add(struct claims *claims, const struct claim *claim, struct claim *out_owner);
