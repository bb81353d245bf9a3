#pragma once

/*
 * The shortest loops that do what superd does, to compare with: no settings, no limits, no log.
 *
 * Each is one thread that never returns. A failure that a real server would live with ends the
 * tool, except what a client can cause.
 */

#include <stdbool.h>

/* Returns -1 for what a client can cause. */
int accept_client(int listener, int flags);

/* A process of @program per client, by fork() if it @copies_memory, else by vfork(). */
_Noreturn void spawn_loop(int listener, char *program, bool copies_memory);

/* So many processes of @program that accept() themselves; they end with this one. */
_Noreturn void run_alone(int listener, char *program, unsigned n_processes);
