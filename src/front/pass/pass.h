#pragma once

/*
 * Dispatch `pass`: clients are accepted here and given to programs that already run, the
 * processes of the service, over a socket each. The keeper starts and ends processes; which
 * process has which client is written to the table of the service, which the next front reads.
 *
 * A service has a struct balancer as its data, and a struct pass as its owner.
 */

#include <stdbool.h>
#include <stddef.h>

#include "front/pass/balancer.h"

struct context;
struct dispatch;
struct front_service;
struct startup;

extern const struct dispatch pass_dispatch;

/* All services of the kind in a front. */
struct pass {
	struct balancer_group group;
	const struct context *context;
};

/* The services come and go by way of pass_dispatch. */
void pass_init(struct pass *pass, const struct context *context);

/*
 * Takes over the processes that the front was born with and counts their clients. For services
 * that are prepared. Returns 0 or a negative errno.
 */
int pass_start(const struct startup *startup, struct front_service *services);

/*
 * For the end of each turn. Says to the keeper what has to be said and can be; halted, the
 * front says nothing: the keeper has its answer.
 */
void pass_report(struct pass *pass);

/* Whether nothing of this kind keeps a draining front. */
bool pass_is_over(const struct pass *pass);
