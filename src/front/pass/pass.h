#pragma once

/*
 * Dispatch `pass`: the front accepts clients and sends them to processes that already run, over one
 * socket for each process. The keeper starts and ends the processes. The front writes to the table
 * of the service which process has which client, and the next front reads that.
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

/* pass_dispatch adds and removes the services. */
void pass_init(struct pass *pass, const struct context *context);

/*
 * Takes over the processes that ran before the front started, and counts their clients. The
 * services must be prepared. Returns 0 or a negative errno.
 */
int pass_start(const struct startup *startup, struct front_service *services);

/*
 * Called at the end of each turn. Sends to the keeper what is on the lists, as far as the channel
 * accepts it. A halted front sends nothing, because it has already sent HALTED.
 */
void pass_report(struct pass *pass);

/* Whether a draining front may end, as far as this kind is concerned. */
bool pass_is_over(const struct pass *pass);
