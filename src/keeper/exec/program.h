#pragma once

/*
 * What is needed to start the program of a service. It is made when settings are applied. For a
 * client only the buffer of the launch is written, so starting a program does not allocate memory
 * and does not fail for lack of it.
 */

#include <stddef.h>
#include <sys/resource.h>

struct address;
struct plan_buffer;
struct program;
struct service;
struct spawn_plan;

/* @descriptors is the limit that superd was started with. @service must outlive the program. */
int program_new(struct program **out, const struct service *service,
		const struct rlimit *descriptors);
void program_free(struct program *program);

/* How much text the buffer must have room for. */
size_t program_text_size(const struct program *program);

/*
 * Completes the program for one client, in @buffer. An IPv4-mapped address becomes the IPv4
 * address. The result also refers to @program, and to its service.
 */
const struct spawn_plan *program_for_client(const struct program *program,
					    struct plan_buffer *buffer, int type,
					    const struct address *peer,
					    const struct address *local);

/* The same for a child that takes over the listener, which is bound to @local. */
const struct spawn_plan *program_for_listener(const struct program *program,
					      struct plan_buffer *buffer, int type,
					      const struct address *local);

/*
 * The same for a process of a pool. @local is the address of the first endpoint; with dispatch
 * `pass` it is not used. @notify is the value of NOTIFY_SOCKET, or NULL.
 */
const struct spawn_plan *program_for_process(const struct program *program,
					     struct plan_buffer *buffer, int type,
					     const struct address *local, const char *notify);
