#pragma once

/*
 * Plans: what is needed to start the program of each service, made when settings
 * are applied. Per client only prepared buffers are written, so that starting a
 * program neither allocates nor fails for want of memory.
 */

#include <sys/resource.h>

#include "keeper/spawn.h"

struct service;
struct plan;

/* @descriptors is the limit that superd was started with. @service must outlive the plan. */
int plan_new(struct plan **out, const struct service *service, const struct rlimit *descriptors);
void plan_free(struct plan *plan);

/*
 * Completes the plan for one client, whose addresses are numeric from now on: an
 * IPv4-mapped one is the IPv4 one. The result is valid until the plan is used again.
 */
const struct spawn_plan *plan_for_client(struct plan *plan, int type, const struct address *peer,
					 const struct address *local);

/* Completes the plan for a child that takes over the listener bound to @local. */
const struct spawn_plan *plan_for_listener(struct plan *plan, int type,
					   const struct address *local);

/*
 * Completes the plan for a member of a crew. @local is where the first endpoint of a pool is
 * bound; a member that clients are passed to is not told. @notify is where it is to say that
 * it is ready, or NULL.
 */
const struct spawn_plan *plan_for_member(struct plan *plan, int type, const struct address *local,
					 const char *notify);
