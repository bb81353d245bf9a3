#pragma once

/*
 * What is needed to start the program of a service. It is made when settings are applied. For a
 * client only prepared buffers are written, so starting a program does not allocate memory and does
 * not fail for lack of it.
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
 * Completes the program for one client. An IPv4-mapped address becomes the IPv4 address. The result
 * is valid until the next call for this program.
 */
const struct spawn_plan *program_for_client(struct program *program, int type,
					    const struct address *peer,
					    const struct address *local);

/* The same for a child that takes over the listener, which is bound to @local. */
const struct spawn_plan *program_for_listener(struct program *program, int type,
					      const struct address *local);

/*
 * The same for a process of a pool. @local is the address of the first endpoint; with dispatch
 * `pass` it is not used. @notify is the value of NOTIFY_SOCKET, or NULL.
 */
const struct spawn_plan *program_for_process(struct program *program, int type,
					     const struct address *local, const char *notify);
