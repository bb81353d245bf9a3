#pragma once

/*
 * Programs: what is needed to start the program of each service, made when settings
 * are applied. Per client only prepared buffers are written, so that starting a
 * program neither allocates nor fails for want of memory.
 */

#include <sys/resource.h>

#include "keeper/exec/spawn.h"

struct service;
struct program;

/* @descriptors is the limit that superd was started with. @service must outlive the program. */
int program_new(struct program **out, const struct service *service,
		const struct rlimit *descriptors);
void program_free(struct program *program);

/*
 * Completes the program for one client, whose addresses are numeric from now on: an
 * IPv4-mapped one is the IPv4 one. The result is valid until the program is used again.
 */
const struct spawn_plan *program_for_client(struct program *program, int type,
					    const struct address *peer,
					    const struct address *local);

/* Completes the program for a child that takes over the listener bound to @local. */
const struct spawn_plan *program_for_listener(struct program *program, int type,
					      const struct address *local);

/*
 * Completes the program for a process of a pool. @local is where the first endpoint of a pool is
 * bound; a process that clients are passed to is not told. @notify is where it is to say that
 * it is ready, or NULL.
 */
const struct spawn_plan *program_for_process(struct program *program, int type,
					     const struct address *local, const char *notify);
